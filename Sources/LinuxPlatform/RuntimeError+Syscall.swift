// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// A system call that failed: the innermost cause of a `RuntimeError`.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
    /// Name of the call, as in section 2 of the manual.
    package let call: String
    /// What it was applied to, when that is a path.
    package let path: String?
    package let errno: Errno

    package init(call: String, path: String? = nil, errno: Errno) {
        self.call = call
        self.path = path
        self.errno = errno
    }

    package var description: String {
        let subject = path.map { " \($0)" } ?? ""
        return "\(call)\(subject): \(errno.text)"
    }
}

extension Errno {
    /// The text of strerror(3), without a locale.
    package var text: String { String(describing: self) }
}

extension RuntimeError {
    /// The error of one system call; the code follows from `errno`.
    package static func systemCall(_ call: String, _ path: FilePath? = nil, _ errno: Errno) -> RuntimeError {
        let error = SystemCallError(call: call, path: path?.string, errno: errno)
        let code: Code =
            switch errno {
            case .noSuchFileOrDirectory, .noSuchProcess: .notFound
            case .fileExists: .exists
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .permissionDenied
            case .wouldBlock, .resourceBusy: .busy
            case .timedOut: .timeout
            case .invalidArgument, .fileNameTooLong, .notDirectory, .isDirectory: .invalidArgument
            case .notSupported, .noFunction: .unsupported
            default: .internal
            }
        return RuntimeError(code, error.description)
    }
}

/// Turns the shims' negative errno into an error.
///
/// - Parameter result: what a `rkt_` function returned.
@discardableResult
package func check<Result: SignedInteger>(_ result: Result, _ call: String, _ path: FilePath? = nil) throws -> Result {
    guard result >= 0 else { throw RuntimeError.systemCall(call, path, Errno(rawValue: CInt(-result))) }
    return result
}

/// The value of errno(3) right after a failed libc call.
package var lastErrno: Errno { Errno(rawValue: currentErrno()) }
