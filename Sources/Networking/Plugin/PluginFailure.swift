// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// What a plugin says, or leaves behind, when it fails.
struct PluginFailure {
    /// The specification's number of the reason; nil when the plugin gave none.
    let code: Int?
    /// One line.
    let text: String

    /// The plugin and the configuration have no version of the specification in common.
    static let incompatibleVersion = 1

    /// Reads the error result of a process that failed, or, where that is none, what else it has written.
    init(_ outcome: BoundedProcess.Outcome) {
        if let failure = PluginFailure(document: outcome.output) {
            self = failure
            return
        }
        code = nil
        let error = oneLine(String(decoding: outcome.error, as: UTF8.self))
        let said = error.isEmpty ? oneLine(String(decoding: outcome.output.prefix(4096), as: UTF8.self)) : error
        text = said.isEmpty ? "it ended with \(outcome.exit)" : "it ended with \(outcome.exit): \(said)"
    }

    /// Nil when the bytes are no error result.
    init?(document: [UInt8]) {
        guard let document = try? JSONValue(parsing: document), let code = document["code"]?.int,
            let message = document["msg"]?.string, document["ips"] == nil, document["ip4"] == nil
        else { return nil }
        self.code = code
        let details = oneLine(document["details"]?.string ?? "")
        let line = oneLine(message)
        let reason = line.isEmpty ? "it gave no reason" : line
        text = details.isEmpty ? reason : "\(reason): \(details)"
    }
}
