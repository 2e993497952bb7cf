// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CGPGME
import Crypto
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Bytes that gpg reads or writes.
class GPGData {
    let handle: gpgme_data_t

    init(owning handle: gpgme_data_t) { self.handle = handle }

    deinit { gpgme_data_release(handle) }

    /// Nothing yet.
    static func empty() throws -> GPGData {
        var handle: gpgme_data_t?
        try GPGError.check(gpgme_data_new(&handle), "make room for what gpg writes")
        guard let handle else { throw GPGError.noMemory }
        return GPGData(owning: handle)
    }

    /// A copy of some bytes.
    static func bytes(_ bytes: [UInt8]) throws -> GPGData {
        var handle: gpgme_data_t?
        // SAFETY: the bytes are copied before the call returns, as the last argument asks.
        let error = bytes.withUnsafeBytes { buffer in
            gpgme_data_new_from_mem(&handle, buffer.bindMemory(to: CChar.self).baseAddress, buffer.count, 1)
        }
        try GPGError.check(error, "hand bytes to gpg")
        guard let handle else { throw GPGError.noMemory }
        return GPGData(owning: handle)
    }

    /// What was written, or nil when it is more than a limit.
    func contents(limit: Int) -> [UInt8]? {
        gpgme_data_seek(handle, 0, SEEK_SET)
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while result.count <= limit {
            // SAFETY: the buffer outlives the call and its size is passed.
            let count = buffer.withUnsafeMutableBytes { gpgme_data_read(handle, $0.baseAddress, $0.count) }
            guard count > 0 else { return result }
            result += buffer[..<count]
        }
        return nil
    }
}

/// An open file that gpg reads from its first byte to its last, whatever the file's offset is.
final class GPGFileReader {
    private let file: FileDescriptor
    private let onRead: ((Int) -> Void)?
    private var offset: Int64 = 0
    private var hash = SHA256()
    private(set) var isAtEnd = false
    private(set) var failure: Errno?

    init(_ file: FileDescriptor, onRead: ((Int) -> Void)?) {
        self.file = file
        self.onRead = onRead
    }

    /// SHA-256 of what has been read.
    var digest: [UInt8] { Array(hash.finalize()) }

    /// Makes the data for gpg, which must not outlive this object, and hands it out.
    func withData<Result>(_ body: (GPGData) throws -> Result) throws -> Result {
        var callbacks = gpgme_data_cbs()
        callbacks.read = { context, buffer, size in
            guard let context, let buffer else { return -1 }
            let reader = Unmanaged<GPGFileReader>.fromOpaque(context).takeUnretainedValue()
            return reader.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
        }
        return try withUnsafeMutablePointer(to: &callbacks) { callbacks in
            var handle: gpgme_data_t?
            // SAFETY: the callbacks and this object live until the body has returned and the data are released.
            let context = Unmanaged.passUnretained(self).toOpaque()
            try GPGError.check(gpgme_data_new_from_cbs(&handle, callbacks, context), "hand a file to gpg")
            guard let handle else { throw GPGError.noMemory }
            let data = GPGData(owning: handle)
            // Half a kibibyte is what it takes otherwise.
            gpgme_data_set_flag(handle, "io-buffer-size", "65536")
            return try withExtendedLifetime(self) { try body(data) }
        }
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        do {
            let count = try file.read(fromAbsoluteOffset: offset, into: buffer)
            if count == 0 { isAtEnd = true }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
            onRead?(count)
            return count
        } catch {
            failure = error as? Errno
            Glibc.errno = (error as? Errno ?? .ioError).rawValue
            return -1
        }
    }
}
