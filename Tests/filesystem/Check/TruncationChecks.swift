// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// truncate(2) and ftruncate(2).
enum TruncationChecks {
    static let all = [
        Check("truncate/shrink-and-grow") {
            try make("file", "0123456789")
            try call("truncate", truncate("file", 4))
            try expect("the file", try contents("file"), "0123")
            try call("truncate", truncate("file", 8))
            try expect("the file", try contents("file"), "0123\0\0\0\0")
        },
        Check("truncate/by-descriptor") {
            let file = try File("file")
            try file.write("0123456789")
            try call("ftruncate", ftruncate(file.descriptor, 3))
            try expect("the size", try status("file").st_size, 3)
            // The position stays where it was.
            try file.write("x")
            try expect("the size", try status("file").st_size, 11)
            try expect("the file", try contents("file"), "012\0\0\0\0\0\0\0x")
        },
        Check("truncate/seen-by-others") {
            let file = try File("file"), other = try File("file", O_RDONLY)
            try file.write("0123456789")
            try expect("the file", try other.text(), "0123456789")
            try call("truncate", truncate("file", 2))
            try expect("the file", try other.text(), "01")
            try expect("the size", try other.status().st_size, 2)
        },
        Check("truncate/refused") {
            try makeDirectory("directory")
            try make("file")
            try refused("what is missing", ENOENT, truncate("missing", 0))
            try refused("a directory", EISDIR, truncate("directory", 0))
            try refused("a negative size", EINVAL, truncate("file", -1))
            let file = try File("file", O_RDONLY)
            try refused("what is open for reading", [EINVAL, EBADF], ftruncate(file.descriptor, 0))
            try call("chmod", chmod("file", 0o444))
            try asUser(1000) { try refused("a file of others", EACCES, truncate("file", 0)) }
        },
        Check("truncate/read-only-file-open-for-writing") {
            try call("chmod", chmod(".", 0o777))
            try asUser(1000) {
                let file = try File("file", O_CREAT | O_RDWR, 0o400)
                try file.write("text")
                try call("ftruncate", ftruncate(file.descriptor, 2))
                try expect("the file", try file.text(), "te")
            }
        },
        Check("truncate/times") {
            let old = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            try make("file", "text")
            try call("utimensat", utimensat(AT_FDCWD, "file", old, 0))
            try call("truncate", truncate("file", 1))
            try expect("the time has changed", try status("file").st_mtim.tv_sec > 1_100_000_000)
        },
        Check("truncate/size-limit") {
            try make("file", "text")
            try inChild("with a limit") {
                try call("setrlimit", fs_limit_file_size(4096))
                let file = try File("file", O_RDWR)
                try refused("growing beyond it", EFBIG, ftruncate(file.descriptor, 8192))
                var byte: UInt8 = 0
                try refused("writing beyond it", EFBIG, pwrite(file.descriptor, &byte, 1, 4096))
            }
        },
        Check("truncate/large") {
            let file = try File("file")
            let size = 5 << 30
            try call("ftruncate", ftruncate(file.descriptor, size))
            try expect("the size", try file.status().st_size, size)
            try file.write("end", at: size - 3)
            try file.write("middle", at: (4 << 30) - 3)
            try expect("the end", try file.text(at: size - 4), "\0end")
            try expect("the middle", try file.text(6, at: (4 << 30) - 3), "middle")
            try call("ftruncate", ftruncate(file.descriptor, 1))
            try expect("the file", try file.bytes(), [0])
        },
    ]
}
