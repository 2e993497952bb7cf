// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// One line from QEMU on its control channel (QEMU Machine Protocol, `docs/interop/qmp-spec.txt`).
package enum QMPMessage: Sendable, Equatable {
    /// The first line: QEMU's version, with the distribution's own in parentheses.
    case greeting(version: String)
    /// A command has been carried out.
    case returned
    /// A command has failed, and why.
    case failed(String)
    case event(name: String, data: JSONValue)

    /// Reads one line.
    ///
    /// - Throws: `.invalidArgument` for what the protocol does not know.
    package init(parsing line: some Collection<UInt8>) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            throw RuntimeError(
                .invalidArgument, "qemu sent a line on its control channel that is not JSON: \(error.reason)")
        }
        if let event = value["event"]?.string {
            self = .event(name: event, data: value["data"] ?? .null)
        } else if value["return"] != nil {
            self = .returned
        } else if let error = value["error"] {
            self = .failed(error["desc"]?.string ?? "no reason given")
        } else if let greeting = value["QMP"] {
            self = .greeting(version: Self.version(greeting))
        } else {
            throw RuntimeError(.invalidArgument, "qemu sent an unknown message on its control channel")
        }
    }

    private static func version(_ greeting: JSONValue) -> String {
        let version = greeting["version"]
        let numbers = ["major", "minor", "micro"].compactMap { version?["qemu"]?[$0]?.int.map(String.init) }
        let package = version?["package"]?.string ?? ""
        return numbers.joined(separator: ".") + (package.isEmpty ? "" : " (\(package))")
    }
}
