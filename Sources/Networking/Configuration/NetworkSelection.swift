// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What `--net` asks for.
package enum NetworkSelection: Sendable, Equatable {
    /// A namespace with a loopback interface.
    case none
    /// The caller's own network.
    case host
    /// The networks listed, and with `all` every configured one.
    case networks([Entry], all: Bool)

    /// One network of the list.
    package struct Entry: Sendable, Equatable {
        package let name: String
        /// `KEY=VALUE;…`; may be empty.
        package let arguments: String

        package init(name: String, arguments: String = "") {
            self.name = name
            self.arguments = arguments
        }
    }

    /// Words of `--net` that are no networks.
    static let reservedNames: Set<String> = ["none", "host", "all"]
    private static let argumentLimit = 4096

    /// Reads the values of all `--net` flags; without any it is the network `default`.
    ///
    /// A value is `NETWORK[:KEY=VALUE;…],…`, or nothing for `default`.
    package init(parsing values: [String]) throws {
        var entries: [Entry] = []
        for value in values.isEmpty ? ["default"] : values {
            for item in (value.isEmpty ? "default" : value).split(separator: ",", omittingEmptySubsequences: false) {
                let entry = try NetworkSelection.entry(item, in: value)
                guard !entries.contains(where: { $0.name == entry.name }) else {
                    throw RuntimeError(.invalidArgument, "--net: network \"\(entry.name)\" is given more than once")
                }
                entries.append(entry)
            }
        }
        if let word = entries.first(where: { $0.name == "none" || $0.name == "host" })?.name {
            guard entries.count == 1 else {
                throw RuntimeError(.invalidArgument, "--net=\(word) excludes all other networks")
            }
            self = word == "none" ? .none : .host
            return
        }
        self = .networks(entries.filter { $0.name != "all" }, all: entries.contains { $0.name == "all" })
    }

    private static func entry(_ item: Substring, in value: String) throws -> Entry {
        let parts = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard !name.isEmpty else {
            throw RuntimeError(
                .invalidArgument, "--net=\(value): a network has no name; write NETWORK[:KEY=VALUE;...],...")
        }
        guard NetworkConfiguration.isName(name) else {
            throw RuntimeError(.invalidArgument, "--net: \(ScalarError.quoted(name)) is not the name of a network")
        }
        guard parts.count == 2 else { return Entry(name: name) }
        guard !reservedNames.contains(name) else {
            throw RuntimeError(.invalidArgument, "--net: \"\(name)\" takes no arguments")
        }
        return Entry(name: name, arguments: try arguments(parts[1], of: name))
    }

    private static func arguments(_ text: Substring, of name: String) throws -> String {
        guard text.utf8.count <= argumentLimit, text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F })
        else {
            throw RuntimeError(
                .invalidArgument,
                "--net: the arguments of network \"\(name)\" hold blanks or more than \(argumentLimit) bytes")
        }
        var keys: Set<Substring> = []
        for pair in text.split(separator: ";", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw RuntimeError(
                    .invalidArgument, "--net: argument \"\(pair)\" of network \"\(name)\" is not KEY=VALUE")
            }
            guard keys.insert(parts[0]).inserted else {
                throw RuntimeError(
                    .invalidArgument, "--net: argument \(parts[0]) of network \"\(name)\" is given more than once")
            }
        }
        return String(text)
    }

    /// The one value of `--net` that says the same.
    package var text: String {
        switch self {
        case .none: return "none"
        case .host: return "host"
        case .networks(let entries, let all):
            let items = entries.map { $0.arguments.isEmpty ? $0.name : "\($0.name):\($0.arguments)" }
            return ((all ? ["all"] : []) + items).joined(separator: ",")
        }
    }
}
