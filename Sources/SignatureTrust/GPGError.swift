// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CGPGME
import Diagnostics

/// Errors of GPGME as those of this program.
enum GPGError {
    static let noMemory = RuntimeError(.internal, "out of memory for gpg's data")

    static func check(_ error: gpgme_error_t, _ what: @autoclosure () -> String) throws {
        guard gpgme_err_code(error) != GPG_ERR_NO_ERROR else { return }
        throw RuntimeError(.internal, "cannot \(what()): \(text(error))")
    }

    static func text(_ error: gpgme_error_t) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        // SAFETY: the buffer's size is passed, and the text in it is cut off and NUL-terminated.
        _ = buffer.withUnsafeMutableBufferPointer { gpgme_strerror_r(error, $0.baseAddress, $0.count - 1) }
        return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "unknown error" }
    }
}
