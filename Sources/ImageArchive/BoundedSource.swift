// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Passes bytes on until there are more than allowed: a few of them may decompress to any number.
final class BoundedSource: ByteSource {
    private let upstream: any ByteSource
    private let name: String
    private let limits: ArchiveLimits
    private var size: Int64 = 0

    /// - Parameter name: what messages call the archive.
    init(_ upstream: any ByteSource, name: String, limits: ArchiveLimits) {
        self.upstream = upstream
        self.name = name
        self.limits = limits
    }

    func next() throws -> UnsafeRawBufferPointer {
        let block = try upstream.next()
        size += Int64(block.count)
        guard size <= limits.streamBytes else { throw limits.tooLarge(name) }
        return block
    }
}
