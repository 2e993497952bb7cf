// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What `rkt attach` is to do: `--mode`.
package enum AttachMode: Equatable, Sendable {
    /// Join all that there is.
    case auto
    /// Print what there is.
    case list
    /// The terminal: what is typed, what is shown, or both.
    case terminal(input: Bool, output: Bool)
    /// Streams that are no terminal.
    case streams(input: Bool, output: Bool, error: Bool)

    private static let words = ["auto", "list", "tty", "tty-in", "tty-out"]
    private static let streams = ["stdin", "stdout", "stderr"]

    /// All that can be written, for completion.
    package static var examples: [String] { words + streams + ["stdin,stdout", "stdin,stdout,stderr"] }

    /// - Throws: what is none of the modes, with those that are.
    package init(parsing text: String) throws {
        switch text {
        case "auto": self = .auto
        case "list": self = .list
        case "tty": self = .terminal(input: true, output: true)
        case "tty-in": self = .terminal(input: true, output: false)
        case "tty-out": self = .terminal(input: false, output: true)
        default:
            let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard names.allSatisfy(Self.streams.contains), Set(names).count == names.count else {
                throw RuntimeError(
                    .invalidArgument,
                    "--mode=\(text) is none of \(Self.words.joined(separator: ", ")), or some of stdin,stdout,stderr")
            }
            self = .streams(
                input: names.contains("stdin"), output: names.contains("stdout"), error: names.contains("stderr"))
        }
    }
}

extension Stage1Interface {
    /// Arguments of `attach` after argv[0].
    package func attachArguments(_ mode: AttachMode, app: String, endsInput: Bool, isDebug: Bool) -> [String] {
        let action: String
        var targets: [(String, Bool)] = []
        switch mode {
        case .auto: action = "auto-attach"
        case .list: action = "list"
        case .terminal(let input, let output):
            action = "custom-attach"
            targets = [("tty-in", input), ("tty-out", output), ("stdin", false), ("stdout", false), ("stderr", false)]
        case .streams(let input, let output, let error):
            action = "custom-attach"
            targets = [("tty-in", false), ("tty-out", false), ("stdin", input), ("stdout", output), ("stderr", error)]
        }
        return ["--action=\(action)", "--app=\(app)"] + (isDebug ? ["--debug"] : [])
            + targets.map { "--\($0.0)=\($0.1)" } + (endsInput ? ["--end-input"] : [])
    }
}
