// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLibArchive
import Diagnostics

/// Inflates gzip data, checking each member's CRC and length as zlib does.
final class GzipSource: ByteSource {
    private let upstream: DescriptorSource
    // zlib remembers the address of its stream, so it cannot be a stored value.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: DescriptorSource.blockSize, alignment: 64)
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isBetweenMembers = false
    private var isAtEnd = false

    init(_ upstream: DescriptorSource) throws {
        self.upstream = upstream
        stream.initialize(to: z_stream())
        // 15 is the largest window, 16 asks for the gzip format (zlib.h, inflateInit2).
        let size = CInt(MemoryLayout<z_stream>.size)
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, size) == Z_OK else {
            throw RuntimeError(.internal, "zlib cannot be started")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        buffer.deallocate()
    }

    func next() throws -> UnsafeRawBufferPointer {
        while !isAtEnd {
            if input.isEmpty { input = try upstream.next() }
            if isBetweenMembers, try !startMember() { break }
            let produced = try inflateBlock()
            if produced > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<produced]) }
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Looks for another member after the last one: there may be one, nothing, or padding of zeros.
    private func startMember() throws -> Bool {
        while let first = input.first, first == 0 {
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
            if input.isEmpty { input = try upstream.next() }
        }
        guard !input.isEmpty else {
            isAtEnd = true
            return false
        }
        isBetweenMembers = false
        inflateReset(stream)
        return true
    }

    private func inflateBlock() throws -> Int {
        // SAFETY: both buffers outlive the call, and zlib gets their true sizes; it does not write to its input.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(buffer.count)
        let result = inflate(stream, Z_NO_FLUSH)
        let isStarved = input.isEmpty
        input = UnsafeRawBufferPointer(rebasing: input.suffix(Int(stream.pointee.avail_in)))
        let produced = buffer.count - Int(stream.pointee.avail_out)
        switch result {
        case Z_STREAM_END: isBetweenMembers = true
        case Z_OK: break
        case Z_BUF_ERROR where produced == 0 && isStarved:
            throw Compression.gzip.corrupt(upstream.name, "unexpected end of file")
        case Z_BUF_ERROR: break
        default:
            let detail = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)"
            throw Compression.gzip.corrupt(upstream.name, detail)
        }
        return produced
    }
}
