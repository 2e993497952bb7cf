// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The one error type that crosses target boundaries.
///
/// The message names the thing, the reason and the remedy; it never repeats the text of `cause`, since the chain is
/// printed from the outside in.
package struct RuntimeError: Error, CustomStringConvertible {
    /// What kind of failure this is; callers branch on it, never on text.
    package struct Code: Hashable, Sendable {
        private enum Value {
            case invalidArgument, notFound, exists, invalidState, busy, unsupported, permissionDenied,
                untrusted, timeout, `internal`
        }
        private let value: Value
        /// A value given by the user, or read from a file, breaks a rule.
        package static let invalidArgument = Code(value: .invalidArgument)
        package static let notFound = Code(value: .notFound)
        package static let exists = Code(value: .exists)
        /// The thing exists but is not in a state that allows the operation.
        package static let invalidState = Code(value: .invalidState)
        package static let busy = Code(value: .busy)
        package static let unsupported = Code(value: .unsupported)
        package static let permissionDenied = Code(value: .permissionDenied)
        /// A signature, digest or key does not allow the operation.
        package static let untrusted = Code(value: .untrusted)
        package static let timeout = Code(value: .timeout)
        package static let `internal` = Code(value: .internal)
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message and those of all causes, outermost first, joined by ": ".
    package var description: String { chain.joined(separator: ": ") }

    /// The messages from the outermost error to the innermost cause.
    package var chain: [String] {
        var messages = [message]
        var next = cause
        while let error = next {
            if let runtime = error as? RuntimeError {
                messages.append(runtime.message)
                next = runtime.cause
            } else {
                messages.append(String(describing: error))
                next = nil
            }
        }
        return messages
    }
}

/// A failure and the one met while undoing what had been done before it.
package struct CleanupError: Error, CustomStringConvertible {
    package let primary: any Error
    package let cleanup: any Error

    package init(primary: any Error, cleanup: any Error) {
        self.primary = primary
        self.cleanup = cleanup
    }

    package var description: String { "\(primary); and while cleaning up: \(cleanup)" }
}
