// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Holes, allocation and copying within the file system.
enum SpaceChecks {
    private static let mebibyte = 1 << 20

    static let all = [
        Check("space/sparse") {
            let file = try File("file")
            try file.write("end", at: 64 * mebibyte)
            let status = try file.status()
            try expect("the size", status.st_size, 64 * mebibyte + 3)
            try expect("little is taken of the disk", status.st_blocks < 2048)
            try expect("a hole", try file.bytes(3, at: mebibyte), [0, 0, 0])
        },
        Check("space/seek") {
            let file = try File("file")
            try file.write("start", at: 0)
            try file.write("end", at: 4 * mebibyte)
            try call("fsync", fsync(file.descriptor))
            let hole = try call("SEEK_HOLE", fs_seek_hole(file.descriptor, 0))
            try expect("the hole begins before the end", hole > 0 && hole <= mebibyte)
            try expect("where data begins", try call("SEEK_DATA", fs_seek_data(file.descriptor, hole)), 4 * mebibyte)
            try expect("data at the start", try call("SEEK_DATA", fs_seek_data(file.descriptor, 0)), 0)
            let end = try file.status().st_size
            try expect("the last hole", try call("SEEK_HOLE", fs_seek_hole(file.descriptor, end - 1)), end)
            try refused("data behind the end", ENXIO, fs_seek_data(file.descriptor, end))
        },
        Check("space/allocate") {
            let file = try File("file")
            try file.write("text")
            try call("fallocate", fs_allocate(file.descriptor, 0, 0, mebibyte))
            let status = try file.status()
            try expect("the size", status.st_size, mebibyte)
            try expect("it is taken of the disk", status.st_blocks >= 2048)
            try expect("the file", try file.text(5), "text\0")
            try expect("posix_fallocate", posix_fallocate(file.descriptor, mebibyte, mebibyte), 0)
            try expect("the size", try file.status().st_size, 2 * mebibyte)
        },
        Check("space/allocate-keeping-size") {
            let file = try File("file")
            try call("fallocate", fs_allocate(file.descriptor, FS_KEEP_SIZE, 0, mebibyte))
            try expect("the size", try file.status().st_size, 0)
            try expect("it is taken of the disk", try file.status().st_blocks >= 2048)
        },
        Check("space/punch-hole") {
            let file = try File("file")
            try file.write([UInt8](repeating: 120, count: 64 << 10))
            let mode = FS_PUNCH_HOLE | FS_KEEP_SIZE
            try call("punching", fs_allocate(file.descriptor, mode, 16 << 10, 16 << 10))
            try expect("the hole", try file.bytes(16 << 10, at: 16 << 10).allSatisfy { $0 == 0 })
            try expect("before it", try file.bytes(1, at: (16 << 10) - 1), [120])
            try expect("after it", try file.bytes(1, at: 32 << 10), [120])
            try expect("the size", try file.status().st_size, 64 << 10)
        },
        Check("space/zero-range") {
            let file = try File("file")
            try file.write([UInt8](repeating: 120, count: 64 << 10))
            try call("zeroing", fs_allocate(file.descriptor, FS_ZERO_RANGE, 100, 10_000))
            try expect("the range", try file.bytes(10_000, at: 100).allSatisfy { $0 == 0 })
            try expect("beside it", [try file.bytes(1, at: 99), try file.bytes(1, at: 10_100)], [[120], [120]])
        },
        Check("space/copy-range") {
            try make("from", "0123456789")
            let from = try File("from", O_RDONLY), to = try File("to")
            try to.write("abcdefghij")
            let copied = try call("copying", fs_copy_range(from.descriptor, 2, to.descriptor, 5, 4))
            try expect("what was copied", copied, 4)
            try expect("the file", try to.text(), "abcde2345j")
        },
        Check("space/of-file-system") {
            var space = statvfs()
            try call("statvfs", statvfs(".", &space))
            try expect("there is space", space.f_blocks > 0 && space.f_bavail > 0 && space.f_bsize >= 512)
            try expect("the longest name", space.f_namemax, 255)
        },
        Check("space/vectors") {
            let file = try File("file")
            var first = Array("one".utf8), second = Array("two".utf8)
            let wrote = first.withUnsafeMutableBytes { first in
                second.withUnsafeMutableBytes { second in
                    let parts = [
                        iovec(iov_base: first.baseAddress, iov_len: 3), iovec(iov_base: second.baseAddress, iov_len: 3),
                    ]
                    return pwritev(file.descriptor, parts, 2, 2)
                }
            }
            try expect("what was written", try call("pwritev", wrote), 6)
            try expect("the file", try file.text(), "\0\0onetwo")
        },
    ]
}
