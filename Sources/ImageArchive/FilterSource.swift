// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLibArchive
import Diagnostics

/// Decompresses bzip2, xz or zstd data with libarchive's filters, which check the sums of these formats.
final class FilterSource: ByteSource {
    private let name: String
    private let compression: Compression
    private let bridge: SourceBridge
    private let handle: OpaquePointer
    private var isOpen = false

    init(_ upstream: DescriptorSource, _ compression: Compression) throws {
        guard let handle = archive_read_new() else { throw RuntimeError(.internal, "libarchive cannot be started") }
        self.handle = handle
        self.compression = compression
        name = upstream.name
        bridge = SourceBridge(upstream)
        archive_read_support_format_raw(handle)
        let status =
            switch compression {
            case .bzip2: archive_read_support_filter_bzip2(handle)
            case .xz: archive_read_support_filter_xz(handle)
            case .zstd: archive_read_support_filter_zstd(handle)
            case .none, .gzip: ARCHIVE_FATAL
            }
        // A warning means that libarchive would start an external program.
        guard status == ARCHIVE_OK else {
            throw RuntimeError(
                .unsupported, "\(name) is compressed with \(compression.rawValue), which libarchive lacks")
        }
    }

    deinit { closeArchive(handle) }

    func next() throws -> UnsafeRawBufferPointer {
        if !isOpen {
            var entry: OpaquePointer?
            guard bridge.open(handle) == ARCHIVE_OK, archive_read_next_header(handle, &entry) == ARCHIVE_OK else {
                throw failure()
            }
            // What it supports it takes off again and again, as often as it is found. The file counts as a filter, too.
            guard archive_filter_count(handle) <= 2 else {
                let kind = compression.rawValue
                throw RuntimeError(
                    .invalidArgument,
                    "\(name) is not an image: it is \(kind) data (after decompressing \(kind)), not a tar archive")
            }
            isOpen = true
        }
        var block: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        while true {
            switch archive_read_data_block(handle, &block, &count, &offset) {
            case ARCHIVE_OK where count == 0: continue
            case ARCHIVE_OK: return UnsafeRawBufferPointer(start: block, count: count)
            case ARCHIVE_EOF:
                guard try isAllRead() else { throw compression.corrupt(name, "other data follow them") }
                return UnsafeRawBufferPointer(start: nil, count: 0)
            default: throw failure()
            }
        }
    }

    /// Whether the compressed data are all that there is: the filter for bzip2 does not look further.
    private func isAllRead() throws -> Bool {
        guard archive_filter_bytes(handle, -1) >= bridge.size else { return false }
        return try bridge.isAtEnd || bridge.source.next().isEmpty
    }

    private func failure() -> any Error {
        bridge.failure ?? compression.corrupt(name, archiveErrorText(handle))
    }
}
