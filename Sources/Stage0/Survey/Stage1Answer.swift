// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What a stage1 image says that this host can do for its pods. The words in it are the image's.
package struct Stage1Answer: Sendable, Equatable {
    package struct Program: Sendable, Equatable {
        package let name: String
        package let path: String?
        package let version: String?
        package let problem: String?
        /// Of the file; nil for an image that tells none.
        package var digest: String?
    }

    /// A way of running pods.
    package struct Backend: Sendable, Equatable {
        package let name: String
        /// Whether pods are run by it, as things are configured.
        package let isChosen: Bool
        package let isolation: String?
        package let accelerator: String?
        /// Why that is not a better one.
        package let acceleratorFallback: String?
        package let programs: [Program]
        /// In the order in which they were told.
        package let confinement: [(name: String, value: String)]
        /// Why it cannot run pods.
        package let problems: [String]

        package static func == (left: Backend, right: Backend) -> Bool { left.json == right.json }

        package var state: HostCheck.State {
            if !problems.isEmpty { return programs.contains { $0.path == nil } ? .missing : .failed }
            return acceleratorFallback == nil ? .ok : .limited
        }
    }

    package let backends: [Backend]

    /// What of a confinement is passed on.
    private static let confinement = [
        "user", "capabilities", "systemCalls", "namespaces", "root", "limits", "selinux",
    ]
    /// Bytes of an answer.
    package static let limit = 1 << 20
    /// Elements of each list.
    private static let mostElements = 16
    /// Characters of each text.
    private static let longestText = 1000

    /// - Throws: when it is not what an answer has to be, or more than anybody wants to read.
    package init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.limit else { throw Self.failure("it has more than \(Self.limit) bytes") }
        let document: JSONValue
        do throws(JSONSyntaxError) {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw Self.failure("it is not JSON: \(error)")
        }
        backends = try Self.list(document, "backends").map { backend in
            Backend(
                name: try Self.required(backend, "name"), isChosen: try Self.flag(backend, "chosen"),
                isolation: try Self.text(backend, "isolation"), accelerator: try Self.text(backend, "accelerator"),
                acceleratorFallback: try Self.text(backend, "acceleratorFallback"),
                programs: try Self.list(backend, "programs").map { program in
                    Program(
                        name: try Self.required(program, "name"), path: try Self.text(program, "path"),
                        version: try Self.text(program, "version"), problem: try Self.text(program, "problem"),
                        digest: try Self.text(program, "digest"))
                },
                confinement: try Self.confinement.compactMap { name in
                    guard let value = try Self.text(backend["confinement"] ?? [:], name) else { return nil }
                    return (name, value)
                },
                problems: try Self.list(backend, "problems").map { try Self.plain($0, "problems") })
        }
        guard !backends.isEmpty else { throw Self.failure("it has no \"backends\"") }
        guard backends.filter(\.isChosen).count == 1 else { throw Self.failure("it does not have one chosen backend") }
    }

    private static func failure(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidArgument, "its answer cannot be read: \(reason)")
    }

    private static func list(_ value: JSONValue, _ key: String) throws -> [JSONValue] {
        guard let member = value[key] else { return [] }
        guard let elements = member.array else {
            throw failure("\"\(key)\" is \(member.kindDescription), not a list")
        }
        guard elements.count <= mostElements else { throw failure("\"\(key)\" has more than \(mostElements) elements") }
        return elements
    }

    private static func flag(_ value: JSONValue, _ key: String) throws -> Bool {
        guard let member = value[key] else { return false }
        guard let flag = member.bool else { throw failure("\"\(key)\" is \(member.kindDescription), not a boolean") }
        return flag
    }

    private static func text(_ value: JSONValue, _ key: String) throws -> String? {
        try value[key].map { try plain($0, key) }
    }

    private static func required(_ value: JSONValue, _ key: String) throws -> String {
        guard let text = try text(value, key), !text.isEmpty else { throw failure("\"\(key)\" is missing") }
        return text
    }

    /// One line, which commands no terminal.
    private static func plain(_ value: JSONValue, _ key: String) throws -> String {
        guard let text = value.string else { throw failure("\"\(key)\" is \(value.kindDescription), not a string") }
        guard text.count <= longestText else { throw failure("\"\(key)\" has more than \(longestText) characters") }
        return PrintableText.line(text)
    }
}
