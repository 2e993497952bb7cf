// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Digests of what a pod is made of, each as `sha512-` and 128 digits.
package enum FileDigest {
    /// Of bytes.
    package static func sha512(_ bytes: some Sequence<UInt8>) -> String { text(SHA512.hash(data: Array(bytes))) }

    /// Of a file, whatever its offset is, which stays.
    ///
    /// - Throws: when it cannot be read, or is no regular file: others may have no end.
    package static func sha512(_ file: FileDescriptor, _ path: FilePath) throws -> String {
        guard try FileSystem.status(of: file).type == .regular else {
            throw RuntimeError(.invalidArgument, "\"\(path)\" is not a regular file: it has no digest")
        }
        var hash = SHA512()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        while true {
            let count: Int
            do {
                // SAFETY: the buffer outlives the call, which writes at most its length.
                count = try buffer.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: offset, into: $0) }
            } catch let error as Errno {
                throw RuntimeError.systemCall("read", path, error)
            }
            guard count > 0 else { break }
            // SAFETY: the first `count` bytes were written just now.
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
        }
        return text(hash.finalize())
    }

    private static func text(_ digest: SHA512.Digest) -> String { "sha512-" + Hexadecimal.text(digest) }
}

/// Digits of bytes.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
