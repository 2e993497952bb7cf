// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// The kind `stage1`: the stage1 image of pods that ask for none.
package struct Stage1Configuration: ConfigurationKind {
    package static let name = "stage1"
    package static let directory = "stage1.d"

    /// What the image is called in the store.
    package struct Identity: Sendable, Hashable {
        package let name: ACIdentifier
        package let version: String
    }

    /// Looked for in the store first.
    package private(set) var identity: Identity?
    /// An absolute path, or a URL: where to get the image when the store does not have it.
    package private(set) var location: String?

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        let name = document.root["name"]
        let version = document.root["version"]
        switch (try name.string(), try version.string()) {
        case (nil, nil): break
        case (_?, nil): throw version.failure("is required since there is a name")
        case (nil, _?): throw name.failure("is required since there is a version")
        case (let text?, let number?):
            guard identity == nil else { throw name.failure("another file of this directory has set it already") }
            do throws(ScalarError) {
                identity = Identity(name: try ACIdentifier(parsing: text), version: number)
            } catch {
                throw name.failure("\(error)")
            }
        }
        let place = document.root["location"]
        guard let text = try place.string() else { return }
        guard location == nil else { throw place.failure("another file of this directory has set it already") }
        let schemes = ["file", "http", "https", "docker"]
        guard text.hasPrefix("/") || schemes.contains(where: { text.hasPrefix("\($0)://") }) else {
            throw place.failure(
                "default stage1 image location is either a relative path or a URL without scheme: "
                    + "\(ScalarError.quoted(text)); write an absolute path or a URL with the scheme "
                    + schemes.joined(separator: ", "))
        }
        location = text
    }

    package mutating func override(with later: Stage1Configuration) {
        identity = later.identity ?? identity
        location = later.location ?? location
    }

    package var entries: [JSONObject] {
        guard identity != nil || location != nil else { return [] }
        var object = JSONObject()
        if let identity {
            object.set("name", .string(identity.name.string))
            object.set("version", .string(identity.version))
        }
        if let location { object.set("location", .string(location)) }
        return [object]
    }
}
