// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GRPCCore

extension RPCError {
    /// An error of this project as gRPC tells it: its text is that of the commands.
    ///
    /// - Parameter ambiguous: whether `invalidArgument` means that several things go by an ID.
    package init(_ error: any Error, ambiguous: Bool = false) {
        if let error = error as? RPCError {
            self = error
            return
        }
        guard let error = error as? Diagnostics.RuntimeError else {
            self.init(code: .internalError, message: RPCError.bounded(String(describing: error)))
            return
        }
        let code: RPCError.Code =
            switch error.code {
            case .invalidArgument: ambiguous ? .failedPrecondition : .invalidArgument
            case .notFound: .notFound
            case .exists: .alreadyExists
            case .invalidState: .failedPrecondition
            case .unsupported: .unimplemented
            case .permissionDenied, .busy: .unavailable
            case .timeout: .deadlineExceeded
            default: .unavailable
            }
        self.init(code: code, message: RPCError.bounded(error.description))
    }

    static func invalid(_ text: String) -> RPCError { RPCError(code: .invalidArgument, message: bounded(text)) }

    /// The beginning of a text that may repeat what a request had. A message is a header: clients take 16 KiB of them all, and
    /// drop the call, or the connection, when there is more.
    static func bounded(_ text: String) -> String {
        let limit = 2048
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
    }
}
