// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Bytes in order, block by block, without a copy for every stage they pass through.
protocol ByteSource: AnyObject {
    /// The next block, valid until the next call; empty at the end and ever after.
    func next() throws -> UnsafeRawBufferPointer
}

/// The bytes of an open file from its offset on.
final class DescriptorSource: ByteSource {
    /// Large enough that system calls cost nothing, small enough to stay in a processor's cache.
    static let blockSize = 256 << 10

    /// How messages call the file.
    let name: String
    private let file: FileDescriptor
    private let onRead: ((Int) -> Void)?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 64)
    /// How many bytes at the start of the buffer were read by `peek()` and not yet handed out.
    private var peeked = 0

    /// - Parameters:
    ///   - file: stays the caller's; it is not closed here.
    ///   - onRead: gets the size of each block that was read.
    init(_ file: FileDescriptor, name: String, onRead: ((Int) -> Void)? = nil) {
        self.file = file
        self.name = name
        self.onRead = onRead
    }

    deinit { buffer.deallocate() }

    /// The first bytes, 512 of them unless the file is shorter; `next()` yields them again.
    func peek() throws -> UnsafeRawBufferPointer {
        while peeked < 512 {
            let count = try read(at: peeked)
            if count == 0 { break }
            peeked += count
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<peeked])
    }

    func next() throws -> UnsafeRawBufferPointer {
        let count = peeked > 0 ? peeked : try read(at: 0)
        peeked = 0
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func read(at offset: Int) throws -> Int {
        do {
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]))
            onRead?(count)
            return count
        } catch let error as Errno {
            throw RuntimeError.systemCall("read", FilePath(name), error)
        }
    }
}
