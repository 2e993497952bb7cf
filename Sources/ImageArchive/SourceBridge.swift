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
    /// Bytes handed out so far.
    private(set) var size: Int64 = 0
    /// Bytes that may still be handed out before this is too much for one header; nil while no header is read.
    var headerAllowance: Int?

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
            // It keeps what it reads of a header in memory.
            if let allowance = headerAllowance {
                guard allowance >= 0 else { throw HeaderTooLarge() }
                headerAllowance = allowance - bytes.count
            }
            block.pointee = bytes.baseAddress
            size += Int64(bytes.count)
            if bytes.isEmpty { isAtEnd = true }
            return bytes.count
        } catch {
            failure = error
            return la_ssize_t(ARCHIVE_FATAL)
        }
    }
}

/// What describes one entry takes more bytes than any entry needs.
struct HeaderTooLarge: Error {}

/// Frees a handle and all that its filters hold.
///
/// Freed alone, a handle that has failed would not close its filters, and their memory would be lost.
func closeArchive(_ handle: OpaquePointer) {
    archive_read_close(handle)
    archive_read_free(handle)
}

/// The text of libarchive's last error on a handle.
func archiveErrorText(_ handle: OpaquePointer) -> String {
    archive_error_string(handle).map { String(cString: $0) } ?? "unknown error"
}
