// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// The kind `limits`: how much an image may ask for before it is refused.
package struct LimitsConfiguration: ConfigurationKind {
    package static let name = "limits"
    package static let directory = "limits.d"

    /// Entries of an image's archive.
    package private(set) var imageEntries: Int?
    /// Bytes of all files of an image.
    package private(set) var imageExpandedSize: Int?
    /// Bytes of an image's file, or of one layer, that comes from the network.
    package private(set) var imageSize: Int?

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        let root = document.root
        try LimitsConfiguration.read(root["imageEntries"], upTo: 1_000_000_000, into: &imageEntries)
        try LimitsConfiguration.read(root["imageExpandedSize"], upTo: 1 << 60, into: &imageExpandedSize)
        try LimitsConfiguration.read(root["imageSize"], upTo: 1 << 60, into: &imageSize)
    }

    package mutating func override(with later: LimitsConfiguration) {
        imageEntries = later.imageEntries ?? imageEntries
        imageExpandedSize = later.imageExpandedSize ?? imageExpandedSize
        imageSize = later.imageSize ?? imageSize
    }

    package var entries: [JSONObject] {
        let fields = [
            ("imageEntries", imageEntries), ("imageExpandedSize", imageExpandedSize), ("imageSize", imageSize),
        ]
        var object = JSONObject()
        for case (let name, let number?) in fields { object.set(name, .number(String(number))) }
        return object.members.isEmpty ? [] : [object]
    }

    private static func read(_ field: ConfigurationField, upTo most: Int, into limit: inout Int?) throws {
        guard let value = field.value else { return }
        guard let number = value.int, (1...most).contains(number) else {
            throw field.failure("expected a whole number from 1 to \(most)")
        }
        guard limit == nil else { throw field.failure("another file of this directory has set it already") }
        limit = number
    }
}
