// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLibArchive
import Diagnostics

/// Compresses with libarchive's filters. Equal bytes come out equal: no time and no name is kept.
final class FilterSink: ByteSink {
    private let compression: Compression
    private let downstream: any ByteSink
    private let handle: OpaquePointer
    private var isOpen = false
    /// What the sink below threw, to be preferred over libarchive's error.
    private var failure: (any Error)?

    // Corresponds to AE_IFREG of libarchive.
    private static let regularFile: UInt32 = 0o100000

    init(_ downstream: any ByteSink, _ compression: Compression) throws {
        guard let handle = archive_write_new() else { throw RuntimeError(.internal, "libarchive cannot be started") }
        self.handle = handle
        self.compression = compression
        self.downstream = downstream
        archive_write_set_format_raw(handle)
        let status =
            switch compression {
            case .none: archive_write_add_filter_none(handle)
            case .gzip: archive_write_add_filter_gzip(handle)
            case .bzip2: archive_write_add_filter_bzip2(handle)
            case .xz: archive_write_add_filter_xz(handle)
            case .zstd: archive_write_add_filter_zstd(handle)
            }
        // A warning means that libarchive would start an external program.
        guard status == ARCHIVE_OK else {
            throw RuntimeError(.unsupported, "libarchive cannot compress with \(compression.rawValue) here")
        }
        if compression == .gzip { archive_write_set_filter_option(handle, "gzip", "timestamp", nil) }
        // Nothing is padded.
        archive_write_set_bytes_per_block(handle, 0)
        archive_write_set_bytes_in_last_block(handle, 1)
    }

    deinit { archive_write_free(handle) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try open()
        var rest = bytes
        while !rest.isEmpty {
            // SAFETY: the bytes outlive the call, and their count is passed.
            let count = archive_write_data(handle, rest.baseAddress, rest.count)
            guard count > 0 else { throw error() }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    func finish() throws {
        try open()
        guard archive_write_close(handle) == ARCHIVE_OK else { throw error() }
        try downstream.finish()
    }

    private func open() throws {
        if isOpen { return }
        isOpen = true
        // SAFETY: this object owns the handle and frees it when it goes.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let status = archive_write_open(
            handle, context, nil,
            { _, context, bytes, count in
                guard let context, let bytes else { return la_ssize_t(ARCHIVE_FATAL) }
                return Unmanaged<FilterSink>.fromOpaque(context).takeUnretainedValue()
                    .pass(UnsafeRawBufferPointer(start: bytes, count: count))
            }, nil)
        guard status == ARCHIVE_OK, let entry = archive_entry_new() else { throw error() }
        defer { archive_entry_free(entry) }
        archive_entry_set_filetype(entry, FilterSink.regularFile)
        guard archive_write_header(handle, entry) == ARCHIVE_OK else { throw error() }
    }

    private func pass(_ bytes: UnsafeRawBufferPointer) -> la_ssize_t {
        guard failure == nil else { return la_ssize_t(ARCHIVE_FATAL) }
        do {
            try downstream.write(bytes)
            return bytes.count
        } catch {
            failure = error
            return la_ssize_t(ARCHIVE_FATAL)
        }
    }

    private func error() -> any Error {
        failure ?? RuntimeError(.internal, "cannot compress with \(compression.rawValue): \(archiveErrorText(handle))")
    }
}
