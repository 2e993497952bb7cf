// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import SystemPackage

/// Takes bytes in order, block by block.
protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Hands on what is still kept. Nothing is written afterwards.
    func finish() throws
}

/// Writes to an open file, from its offset on.
final class DescriptorSink: ByteSink {
    private let file: FileDescriptor
    private var written: Int64 = 0

    /// - Parameter file: stays the caller's.
    init(_ file: FileDescriptor) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            do {
                let count = try file.write(rest)
                written += Int64(count)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            } catch let error as Errno {
                throw OutputError(errno: error, written: written)
            }
        }
    }

    func finish() throws {}
}

/// Passes bytes on while computing their SHA-512.
final class HashingSink: ByteSink {
    private let downstream: any ByteSink
    private var hash = SHA512()

    init(_ downstream: any ByteSink) { self.downstream = downstream }

    /// The image ID of the bytes passed on so far.
    var imageID: ImageID { ImageID(digest: hash.finalize()) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        hash.update(bufferPointer: bytes)
        try downstream.write(bytes)
    }

    func finish() throws { try downstream.finish() }
}
