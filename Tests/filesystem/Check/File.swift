// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// An open file. It is closed when its check has ended at the latest.
struct File {
    let descriptor: CInt
    let path: String

    init(_ path: String, _ flags: CInt = O_RDWR | O_CREAT, _ mode: mode_t = 0o644) throws {
        self.path = path
        descriptor = try call("opening \(path.prefix(40))", open(path, flags, mode))
    }

    init(descriptor: CInt, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) throws {
        try expect("what a write to \(path) wrote", Glibc.write(descriptor, bytes, bytes.count), bytes.count)
    }

    func write(_ text: String, at offset: Int) throws {
        let bytes = Array(text.utf8)
        let written = try call("writing to \(path)", pwrite(descriptor, bytes, bytes.count, offset))
        try expect("what a write to \(path) wrote", written, bytes.count)
    }

    /// Reads bytes up to the end of the file.
    func bytes(_ count: Int = 1 << 16, at offset: Int = 0) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read = try call("reading \(path)", pread(descriptor, &buffer, count, offset))
        return Array(buffer.prefix(read))
    }

    func text(_ count: Int = 1 << 16, at offset: Int = 0) throws -> String {
        String(decoding: try bytes(count, at: offset), as: UTF8.self)
    }

    func status() throws -> stat {
        var status = stat()
        try call("fstat of \(path)", fstat(descriptor, &status))
        return status
    }

    /// Maps the file's first bytes.
    func map(_ length: Int, _ protection: CInt = PROT_READ | PROT_WRITE, shared: Bool = true) throws
        -> UnsafeMutableRawPointer
    {
        let address = mmap(nil, length, protection, shared ? MAP_SHARED : MAP_PRIVATE, descriptor, 0)
        let error = errno
        guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw Unfulfilled("mapping \(path): \(String(cString: strerror(error)))")
        }
        return address
    }

    func close() { _ = Glibc.close(descriptor) }
}

/// Makes a file with a text.
func make(_ path: String, _ text: String = "", mode: mode_t = 0o644) throws {
    let file = try File(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
    if !text.isEmpty { try file.write(text) }
    file.close()
}

func makeDirectory(_ path: String, mode: mode_t = 0o755) throws { try call("making \(path)", mkdir(path, mode)) }

func contents(_ path: String) throws -> String {
    let file = try File(path, O_RDONLY)
    defer { file.close() }
    return try file.text()
}

/// The status of what a path names; a symbolic link's is its own.
func status(_ path: String) throws -> stat {
    var status = stat()
    try call("lstat of \(path.prefix(40))", lstat(path, &status))
    return status
}

func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// The names in a directory, without `.` and `..`, as often as they are read.
func names(_ path: String) throws -> [String] {
    guard let stream = opendir(path) else { throw Unfulfilled("opendir: \(String(cString: strerror(errno)))") }
    defer { closedir(stream) }
    var result: [String] = []
    while let name = nextName(stream) { if name != ".", name != ".." { result.append(name) } }
    return result
}

/// The next name in a directory; bytes that are no UTF-8 appear as replacement characters.
func nextName(_ stream: OpaquePointer) -> String? {
    guard let entry = readdir(stream) else { return nil }
    return withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
}

/// Removes a directory with what it holds, as well as it goes.
func removeTree(_ path: String) {
    for name in (try? names(path)) ?? [] {
        let inner = "\(path)/\(name)"
        if unlink(inner) != 0 { removeTree(inner) }
    }
    rmdir(path)
}

extension stat {
    var permissions: mode_t { st_mode & 0o7777 }
    var type: mode_t { st_mode & S_IFMT }
}
