// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// The kind `dockerAuth`: users of registries.
package struct DockerAuthConfiguration: ConfigurationKind {
    package static let name = "dockerAuth"
    package static let directory = "auth.d"

    /// A user of a registry.
    package struct Login: Sendable, Hashable {
        package let user: String
        package let password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// By host, with the port if one was given; in lower case. Docker's own has one name only.
    package private(set) var registries: [String: Login] = [:]

    package init() {}

    /// Docker's own registry, and other names that people know it by.
    package static let dockerHost = "registry-1.docker.io"
    package static let dockerAliases = ["docker.io", "index.docker.io", "registry.hub.docker.com"]

    /// The user for a registry, by its `host` or `host:port`.
    package func login(for registry: String) -> Login? { registries[registry.lowercased()] }

    package mutating func add(_ document: ConfigurationDocument) throws {
        let names = try document.root["registries"].requiredStrings()
        let fields = document.root["credentials"]
        try fields.requireObject()
        let user = try fields["user"].requiredString()
        guard !user.contains(":") else { throw fields["user"].failure("must not hold a ':'") }
        let login = Login(user: user, password: try fields["password"].requiredString())
        for (name, field) in names {
            var host = try hostName(name, field)
            // What images of it are asked for by, whatever a reference calls it.
            if DockerAuthConfiguration.dockerAliases.contains(host) { host = DockerAuthConfiguration.dockerHost }
            guard registries.updateValue(login, forKey: host) == nil else {
                throw field.failure("there are credentials for \(ScalarError.quoted(name)) in this directory already")
            }
        }
    }

    package mutating func override(with later: DockerAuthConfiguration) {
        registries.merge(later.registries) { $1 }
    }

    package var entries: [JSONObject] {
        registries.sorted { $0.key < $1.key }.map { registry, login in
            var object = JSONObject()
            object.set("registries", [.string(registry)])
            object.set("credentials", ["user": .string(login.user), "password": .string(login.password)])
            return object
        }
    }
}
