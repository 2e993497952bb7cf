// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol

/// What the standard streams of an app are connected to, by its annotations (implementor's guide, "Attachable
/// applications"). Nil is what holds without an annotation: no input, and output in the journal; an app that nothing
/// supervises has the caller's streams.
struct StreamModes: Equatable {
    var input: StreamMode?
    var output: StreamMode?
    var error: StreamMode?

    init() {}

    /// - Parameter interactive: whether the app has the caller's terminal.
    /// - Throws: code `unsupported` for what a stream cannot be.
    init(_ annotations: Annotations, app: String, interactive: Bool) throws {
        input = try Self.mode("stdin", annotations, app, interactive)
        output = try Self.mode("stdout", annotations, app, interactive)
        error = try Self.mode("stderr", annotations, app, interactive)
    }

    private static func mode(
        _ stream: String, _ annotations: Annotations, _ app: String, _ interactive: Bool
    ) throws -> StreamMode? {
        switch annotations["coreos.com/rkt/stage2/\(stream)"] {
        case nil: return interactive ? .terminal : nil
        case "interactive" where interactive: return .terminal
        case "log" where stream != "stdin": return .journal
        case "null": return .nothing
        case "stream": return .stream
        case "tty": return .terminal
        case let mode?:
            throw RuntimeError(
                .unsupported, "this stage1 cannot connect \(stream) of app \(app) to \"\(mode)\"")
        }
    }

    /// Whether somebody can attach to the app, which is not the caller's alone.
    var isShared: Bool { [input, output, error].contains { $0?.isShared == true } }
}
