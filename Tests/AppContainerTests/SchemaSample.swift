// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// Documents around the part that a test is about.
enum SchemaSample {
    /// An image manifest whose members follow the required ones, so that repeated keys replace them.
    static func image(_ members: String) -> String {
        let rest = members.isEmpty ? "" : "," + members
        return #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"\#(rest)}"#
    }

    /// An image manifest with an app section of these members.
    static func app(_ members: String) -> String {
        let rest = members.isEmpty ? "" : "," + members
        return image(#""app":{"user":"0","group":"0"\#(rest)}"#)
    }

    /// A pod manifest whose members follow the required ones.
    static func pod(_ members: String) -> String {
        let rest = members.isEmpty ? "" : "," + members
        return #"{"acKind":"PodManifest","acVersion":"0.8.11"\#(rest)}"#
    }

    static func readsImage(_ text: String) -> Bool { (try? ImageManifest(parsing: text.utf8)) != nil }
    static func readsPod(_ text: String) -> Bool { (try? PodManifest(parsing: text.utf8)) != nil }
}
