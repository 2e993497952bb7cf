// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// A network that a pod was about to join, and how that went, as the journal tells it.
struct NetworkMembership {
    let name: String
    let interface: String
    let addressOnly: Bool
    let portMappings: [JSONValue]
    /// What ADD ended with; nil when it did not end well, or not at all.
    let result: JSONValue?

    /// All of them, in the order in which they were joined.
    static func all(in entries: [NetworkJournal.Entry]) -> [NetworkMembership] {
        var results: [String: JSONValue] = [:]
        for case .attached(let name, let result) in entries { results[name] = result }
        return entries.compactMap { entry in
            guard case .network(let name, let interface, let addressOnly, let portMappings) = entry else { return nil }
            return NetworkMembership(
                name: name, interface: interface, addressOnly: addressOnly, portMappings: portMappings,
                result: results[name])
        }
    }
}
