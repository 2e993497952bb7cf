// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What the standard streams of an app are connected to, by its annotations (implementor's guide, "Attachable
/// applications"). Standard input is empty and the others go to the journal unless an annotation says otherwise.
struct StreamModes {
    /// Without a terminal only an app that nothing supervises has another input than none.
    var hasNoInput = false
    var discardsOutput = false
    var discardsErrors = false

    init() {}

    /// - Throws: code `unsupported` for streams that would have to be attached to.
    init(_ annotations: Annotations, app: String, interactive: Bool) throws {
        discardsOutput = try Self.isNull("stdout", annotations, app, interactive)
        discardsErrors = try Self.isNull("stderr", annotations, app, interactive)
        hasNoInput = try Self.isNull("stdin", annotations, app, interactive)
    }

    private static func isNull(
        _ stream: String, _ annotations: Annotations, _ app: String, _ interactive: Bool
    ) throws -> Bool {
        switch annotations["coreos.com/rkt/stage2/\(stream)"] {
        case nil: return false
        case "interactive" where interactive: return false
        case "log" where stream != "stdin": return false
        case "null": return true
        case let mode?:
            throw RuntimeError(
                .unsupported, "this stage1 cannot connect \(stream) of app \(app) to \"\(mode)\"")
        }
    }
}
