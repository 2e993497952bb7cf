// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Passes bytes on while computing their SHA-512 and, if asked, writing them to a file.
final class HashingSource: ByteSource {
    /// Bytes passed on so far.
    private(set) var size: Int64 = 0
    /// The first 512 bytes, fewer before that many were read.
    private(set) var head: [UInt8] = []
    private let upstream: any ByteSource
    private var output: FileDescriptor?
    private let hash = ConcurrentHash()
    /// How much of the output is on its way to disk.
    private var flushed: Int64 = 0

    /// The disk gets its work in portions of this size.
    private static let portion: Int64 = 8 << 20

    init(_ upstream: any ByteSource, writingTo output: FileDescriptor? = nil) {
        self.upstream = upstream
        self.output = output
    }

    deinit { hash.stop() }

    func next() throws -> UnsafeRawBufferPointer {
        let block = try upstream.next()
        if block.isEmpty { return block }
        if head.count < 512 { head.append(contentsOf: block.prefix(512 - head.count)) }
        hash.update(block)
        try write(block)
        size += Int64(block.count)
        return block
    }

    /// Reads what is left, so that padding after the archive's end counts.
    func drain() throws {
        while try !next().isEmpty {}
    }

    /// Reads what is left without keeping it: does it come to an end in order? Looks at so many bytes at most.
    func probe(limit: Int64) throws {
        output = nil
        var rest = limit
        while rest > 0 {
            let block = try upstream.next()
            if block.isEmpty { return }
            rest -= Int64(block.count)
        }
    }

    /// The image ID of the bytes passed on so far.
    func imageID() -> ImageID { ImageID(digest: hash.finalize()) }

    private func write(_ block: UnsafeRawBufferPointer) throws {
        guard let output else { return }
        var rest = block
        while !rest.isEmpty {
            do {
                let count = try output.write(rest)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            } catch let error as Errno {
                throw OutputError(errno: error, written: size)
            }
        }
        let end = size + Int64(block.count)
        guard end - flushed >= HashingSource.portion else { return }
        FileSystem.startWriteback(of: output, flushed..<end)
        flushed = end
    }
}

/// Writing the uncompressed archive failed, for instance because the disk is full.
package struct OutputError: Error, CustomStringConvertible {
    package let errno: Errno
    /// Bytes written before.
    package let written: Int64

    package init(errno: Errno, written: Int64) {
        self.errno = errno
        self.written = written
    }

    package var description: String { "write: \(errno)" }
}
