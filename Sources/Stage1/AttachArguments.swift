// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol

/// Arguments of the `attach` entrypoint (implementor's guide, "rkt attach").
package struct AttachArguments: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        case list
        /// Join these; none stands for all that there are.
        case join(AttachTargets)
    }

    package var app: String
    package var action: Action
    /// Whether the app is told of the end of standard input.
    package var endsInput: Bool

    package init(parsing arguments: [String]) throws {
        var action = ""
        var app = ""
        var targets: AttachTargets = []
        var endsInput = false
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = parts.count > 1 ? parts[1] : "true"
            switch parts[0] {
            case "--action": action = value
            case "--app": app = value
            case "--debug": break
            case "--end-input": endsInput = try Self.flag(argument, value)
            case let name:
                guard let target = AttachTargets.named.first(where: { "--\($0.name)" == name })?.target else {
                    throw RuntimeError(.unsupported, "this stage1 does not know \(argument)")
                }
                if try Self.flag(argument, value) { targets.insert(target) }
            }
        }
        guard !app.isEmpty else { throw RuntimeError(.invalidArgument, "the app is missing: --app=NAME") }
        self.app = app
        self.endsInput = endsInput
        switch action {
        case "list": self.action = .list
        case "auto-attach": self.action = .join([])
        case "custom-attach":
            guard !targets.isEmpty else { throw RuntimeError(.invalidArgument, "there is nothing to attach to") }
            self.action = .join(targets)
        default:
            throw RuntimeError(
                .invalidArgument, "--action=\(action) is none of auto-attach, custom-attach and list")
        }
    }

    private static func flag(_ argument: String, _ value: String) throws -> Bool {
        guard let flag = ["true": true, "false": false][value] else {
            throw RuntimeError(.invalidArgument, "\(argument) is neither true nor false")
        }
        return flag
    }
}
