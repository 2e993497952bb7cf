// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Bytes in order, block by block, without a copy for every stage they pass through.
protocol ByteSource: AnyObject {
    /// The next block, valid until the next call; empty at the end and ever after.
    func next() throws -> UnsafeRawBufferPointer
}

/// The bytes of an open file, from its offset on or of a range of it.
final class DescriptorSource: ByteSource {
    /// Large enough that system calls cost nothing, small enough to stay in a processor's cache.
    static let blockSize = 256 << 10

    /// How messages call the file.
    let name: String
    private let file: FileDescriptor
    private let onRead: ((Int) -> Void)?
    private let onBlock: ((UnsafeRawBufferPointer) -> Void)?
    /// What is left of the range; nil when the file's own offset counts.
    private var range: Range<Int64>?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 64)
    /// How many bytes at the start of the buffer were read by `peek()` and not yet handed out.
    private var peeked = 0
    private var hash: SHA256?

    /// - Parameters:
    ///   - file: stays the caller's; it is not closed here.
    ///   - range: the part of the file to read, whatever its offset; nil for all from its offset on.
    ///   - isHashed: whether `digest()` will be asked for.
    ///   - onRead: gets the size of each block that was read.
    ///   - onBlock: gets each block that was read, once.
    init(
        _ file: FileDescriptor, name: String, range: Range<Int64>? = nil, isHashed: Bool = false,
        onRead: ((Int) -> Void)? = nil, onBlock: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) {
        hash = isHashed ? SHA256() : nil
        self.file = file
        self.name = name
        self.range = range
        self.onRead = onRead
        self.onBlock = onBlock
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
        let block = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        hash?.update(bufferPointer: block)
        return block
    }

    /// SHA-256 of the file from where it was first read to its end; nil unless it was asked for.
    func digest() throws -> [UInt8]? {
        guard hash != nil else { return nil }
        // What stands behind compressed data is not read with them.
        while try !next().isEmpty {}
        return hash.map { Array($0.finalize()) }
    }

    private func read(at offset: Int) throws -> Int {
        do {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]))
            onRead?(count)
            onBlock?(UnsafeRawBufferPointer(rebasing: buffer[offset..<(offset + count)]))
            return count
        } catch let error as Errno {
            throw RuntimeError.systemCall("read", FilePath(name), error)
        }
    }

    private func read(into space: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let range else { return try file.read(into: space) }
        let room = min(space.count, range.count)
        if room == 0 { return 0 }
        let block = UnsafeMutableRawBufferPointer(rebasing: space[..<room])
        let count = try file.read(fromAbsoluteOffset: range.lowerBound, into: block)
        self.range = (range.lowerBound + Int64(count))..<range.upperBound
        return count
    }
}
