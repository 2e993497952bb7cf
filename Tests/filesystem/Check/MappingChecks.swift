// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// mmap(2) beside read(2) and write(2).
enum MappingChecks {
    private static let page = 4096

    static let all = [
        Check("mapping/private") {
            try make("file", "text")
            let file = try File("file", O_RDONLY)
            let memory = try file.map(page, shared: false)
            try expect("a byte", memory.load(as: UInt8.self), UInt8(ascii: "t"))
            memory.storeBytes(of: UInt8(ascii: "T"), as: UInt8.self)
            try expect("the file", try file.text(), "text")
            try expect("what lies behind the end", memory.load(fromByteOffset: 4, as: UInt8.self), 0)
            munmap(memory, page)
        },
        Check("mapping/written-back") {
            let file = try filled()
            let memory = try file.map(2 * page)
            memory.storeBytes(of: UInt8(ascii: "M"), toByteOffset: page + 1, as: UInt8.self)
            try call("msync", msync(memory, 2 * page, MS_SYNC))
            try expect("the file", try File("file", O_RDONLY).text(3, at: page), "xMx")
            munmap(memory, 2 * page)
        },
        Check("mapping/written-back-when-unmapped") {
            let file = try filled()
            let memory = try file.map(2 * page)
            memory.storeBytes(of: UInt8(ascii: "M"), as: UInt8.self)
            munmap(memory, 2 * page)
            file.close()
            try expect("the file", try File("file", O_RDONLY).text(2), "Mx")
        },
        Check("mapping/read-sees-it-at-once") {
            let file = try filled()
            let memory = try file.map(2 * page)
            memory.storeBytes(of: UInt8(ascii: "M"), as: UInt8.self)
            try expect("the file", try file.text(2), "Mx")
            munmap(memory, 2 * page)
        },
        Check("mapping/sees-writes-at-once") {
            let file = try filled()
            let memory = try file.map(2 * page)
            try expect("a byte", memory.load(as: UInt8.self), UInt8(ascii: "x"))
            try file.write("W", at: 0)
            try expect("the byte after a write", memory.load(as: UInt8.self), UInt8(ascii: "W"))
            try File("file", O_RDWR).write("V", at: page)
            try expect("another byte", memory.load(fromByteOffset: page, as: UInt8.self), UInt8(ascii: "V"))
            munmap(memory, 2 * page)
        },
        Check("mapping/write-beside-it") {
            // Both in one page: neither may undo the other.
            let file = try filled()
            let memory = try file.map(2 * page)
            memory.storeBytes(of: UInt8(ascii: "M"), toByteOffset: 1, as: UInt8.self)
            try file.write("W", at: 3)
            try call("msync", msync(memory, 2 * page, MS_SYNC))
            try expect("the file", try file.text(5), "xMxWx")
            munmap(memory, 2 * page)
        },
        Check("mapping/by-two-processes") {
            let file = try filled()
            let memory = try file.map(2 * page)
            try inChild("another process") {
                let own = try File("file", O_RDWR).map(2 * page)
                own.storeBytes(of: UInt8(ascii: "C"), toByteOffset: 5, as: UInt8.self)
            }
            try expect("a byte", memory.load(fromByteOffset: 5, as: UInt8.self), UInt8(ascii: "C"))
            munmap(memory, 2 * page)
        },
        Check("mapping/behind-the-end") {
            let file = try filled()
            let memory = try file.map(2 * page)
            try call("ftruncate", ftruncate(file.descriptor, page))
            let ended = childStatus { try expect("a byte", memory.load(fromByteOffset: page, as: UInt8.self), 255) }
            try expect("how reading behind the end ends", ended.status, 128 + SIGBUS)
            try call("ftruncate", ftruncate(file.descriptor, 2 * page))
            try expect("a byte after growing again", memory.load(fromByteOffset: page, as: UInt8.self), 0)
            munmap(memory, 2 * page)
        },
        Check("mapping/refused") {
            try make("file", "text")
            let file = try File("file", O_RDONLY)
            let address = mmap(nil, page, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
            let failed = address == UnsafeMutableRawPointer(bitPattern: -1)
            try refused("writing to what is open for reading", EACCES, failed ? -1 : 0)
        },
        Check("mapping/time") {
            let old = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            let file = try filled()
            try call("futimens", futimens(file.descriptor, old))
            let memory = try file.map(2 * page)
            memory.storeBytes(of: UInt8(ascii: "M"), as: UInt8.self)
            try call("msync", msync(memory, 2 * page, MS_SYNC))
            try expect("the time has changed", try file.status().st_mtim.tv_sec > 1_100_000_000)
            munmap(memory, 2 * page)
        },
    ]

    /// A file of two pages of "x".
    private static func filled() throws -> File {
        let file = try File("file")
        try file.write([UInt8](repeating: UInt8(ascii: "x"), count: 2 * page))
        return file
    }
}
