// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// Writes a tar archive in the pax format (POSIX.1-2017, pax). Equal entries make equal bytes.
package final class TarWriter {
    private let output: any ByteSink
    private var buffer: [UInt8] = []
    private static let bufferSize = 256 << 10
    /// Bytes of data that the current entry still lacks.
    private var missing: Int64 = 0
    private var padding = 0

    /// - Parameter output: gets the archive from its offset on; it stays the caller's.
    package convenience init(_ output: FileDescriptor) { self.init(DescriptorSink(output)) }

    /// - Parameter output: gets the archive; it is not finished here.
    init(_ output: any ByteSink) {
        self.output = output
        buffer.reserveCapacity(TarWriter.bufferSize)
    }

    /// Begins an entry. For a file its data must follow: all of it, or that of its segments.
    package func begin(_ entry: TarEntry) throws {
        try endEntry()
        let map = entry.sparseMap
        let size = entry.storedSize + Int64(map.count)
        let records = entry.records(size: size)
        if !records.isEmpty {
            try put(TarEntry.header(ofRecords: records.count))
            try put(records)
            try put([UInt8](repeating: 0, count: TarEntry.padding(Int64(records.count))))
        }
        try put(entry.header(size: size))
        try put(map)
        missing = entry.storedSize
        padding = TarEntry.padding(size)
    }

    /// Adds data to the current file.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard Int64(bytes.count) <= missing else {
            throw RuntimeError(.internal, "more data than announced for an entry of an archive")
        }
        missing -= Int64(bytes.count)
        try put(bytes)
    }

    /// Ends the archive.
    package func finish() throws {
        try endEntry()
        try put([UInt8](repeating: 0, count: 1024))
        try flush()
    }

    private func endEntry() throws {
        guard missing == 0 else { throw RuntimeError(.internal, "less data than announced for an entry of an archive") }
        try put([UInt8](repeating: 0, count: padding))
        padding = 0
    }

    private func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try put($0) } }

    private func put(_ bytes: UnsafeRawBufferPointer) throws {
        if buffer.count + bytes.count > TarWriter.bufferSize { try flush() }
        if bytes.count < TarWriter.bufferSize { buffer.append(contentsOf: bytes) } else { try output.write(bytes) }
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try output.write($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
