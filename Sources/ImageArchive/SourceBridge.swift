// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLibArchive

/// Feeds a libarchive handle from a `ByteSource` and keeps the error that a C callback cannot throw.
final class SourceBridge {
    let source: any ByteSource
    /// What the source threw, to be preferred over libarchive's error.
    private(set) var failure: (any Error)?
    /// Whether libarchive has been told that there is no more.
    private(set) var isAtEnd = false

    init(_ source: any ByteSource) { self.source = source }

    /// Opens the handle; it must not outlive this object.
    func open(_ handle: OpaquePointer) -> CInt {
        // SAFETY: the owner of the handle also owns this object and frees the handle first.
        let context = Unmanaged.passUnretained(self).toOpaque()
        return archive_read_open(
            handle, context, nil,
            { _, context, block in
                guard let context, let block else { return la_ssize_t(ARCHIVE_FATAL) }
                return Unmanaged<SourceBridge>.fromOpaque(context).takeUnretainedValue().read(into: block)
            }, nil)
    }

    private func read(into block: UnsafeMutablePointer<UnsafeRawPointer?>) -> la_ssize_t {
        do {
            let bytes = try source.next()
            block.pointee = bytes.baseAddress
            if bytes.isEmpty { isAtEnd = true }
            return bytes.count
        } catch {
            failure = error
            return la_ssize_t(ARCHIVE_FATAL)
        }
    }
}

/// The text of libarchive's last error on a handle.
func archiveErrorText(_ handle: OpaquePointer) -> String {
    archive_error_string(handle).map { String(cString: $0) } ?? "unknown error"
}
