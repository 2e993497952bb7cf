// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Diagnostics
import SystemPackage

/// What a layer's bytes add up to.
package struct LayerSums: Sendable, Equatable {
    /// SHA-256 of the file as it is stored.
    package let digest: [UInt8]
    /// Bytes of the file as it is stored.
    package let size: Int64
    /// SHA-256 of the uncompressed archive.
    package let contentDigest: [UInt8]
}

/// Reads the archive of a layer, plain or compressed, and computes its sums on the way.
package final class LayerReader {
    private let file: DescriptorSource
    private let stored: RunningSum
    private let content: RunningSum
    private let stream: BoundedSource
    private let reader: TarReader

    /// - Parameters:
    ///   - file: stays the caller's.
    ///   - range: where the layer lies in the file.
    ///   - name: what messages call the layer.
    package init(
        _ file: FileDescriptor, range: Range<Int64>, name: String, limits: ArchiveLimits,
        onRead: ((Int) -> Void)? = nil
    ) throws {
        let stored = RunningSum()
        self.stored = stored
        self.file = DescriptorSource(
            file, name: name, range: range, onRead: onRead, onBlock: { block in stored.update(block) })
        let compression = Compression(ofFileStarting: try self.file.peek())
        let plain = try compression.decompress(self.file)
        // Of an uncompressed layer both sums are one.
        content = compression == .none ? stored : RunningSum()
        stream = BoundedSource(
            compression == .none ? plain : SummingSource(plain, content), name: name, limits: limits)
        reader = try TarReader(stream, name: name, limits: limits)
    }

    /// The next entry, or nil at the end of the archive.
    package func next() throws -> ArchiveEntry? { try reader.next() }

    /// The next block of the current file's data and its offset in the file, or nil after the last.
    package func nextBlock() throws -> (bytes: UnsafeRawBufferPointer, offset: Int64)? { try reader.nextBlock() }

    /// The current entry's extended attributes.
    package func extendedAttributes() -> [(name: String, value: [UInt8])] { reader.extendedAttributes() }

    /// Reads what is left, padding included, and returns the sums.
    package func finish() throws -> LayerSums {
        while try !stream.next().isEmpty {}
        let (digest, size) = try storedSum()
        return LayerSums(digest: digest, size: size, contentDigest: content.value)
    }

    /// Reads what is left of the file, without looking inside, and returns its sum: is it what it should be?
    package func storedSum() throws -> (digest: [UInt8], size: Int64) {
        while try !file.next().isEmpty {}
        return (stored.value, stored.size)
    }
}

/// A SHA-256 sum under way.
private final class RunningSum {
    private(set) var size: Int64 = 0
    private var hash = SHA256()

    var value: [UInt8] { Array(hash.finalize()) }

    func update(_ block: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: block)
        size += Int64(block.count)
    }
}

/// Passes bytes on and adds them to a sum.
private final class SummingSource: ByteSource {
    private let upstream: any ByteSource
    private let sum: RunningSum

    init(_ upstream: any ByteSource, _ sum: RunningSum) {
        self.upstream = upstream
        self.sum = sum
    }

    func next() throws -> UnsafeRawBufferPointer {
        let block = try upstream.next()
        sum.update(block)
        return block
    }
}
