// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What is shown to a web server.
package enum Credentials: Sendable, Hashable {
    case basic(user: String, password: String)
    case bearer(token: String)
    /// Requests are signed. Without a region it is read off the host name.
    case amazon(accessKeyID: String, secretAccessKey: String, region: String?)
}

/// The kind `auth`: credentials for web servers.
package struct AuthConfiguration: ConfigurationKind {
    package static let name = "auth"
    package static let directory = "auth.d"

    /// By host, with the port if one was given; in lower case.
    package private(set) var domains: [String: Credentials] = [:]

    package init() {}

    /// The credentials for `host` or `host:port`, exactly as a URL spells it.
    package func credentials(for host: String) -> Credentials? { domains[host.lowercased()] }

    package mutating func add(_ document: ConfigurationDocument) throws {
        let names = try document.root["domains"].requiredStrings()
        let credentials = try AuthConfiguration.credentials(document.root)
        for (name, field) in names {
            let host = try hostName(name, field)
            guard domains.updateValue(credentials, forKey: host) == nil else {
                throw field.failure("there are credentials for \(ScalarError.quoted(name)) in this directory already")
            }
        }
    }

    package mutating func override(with later: AuthConfiguration) {
        domains.merge(later.domains) { $1 }
    }

    package var entries: [JSONObject] {
        domains.sorted { $0.key < $1.key }.map { domain, credentials in
            var object = JSONObject()
            object.set("domains", [.string(domain)])
            switch credentials {
            case .basic(let user, let password):
                object.set("type", "basic")
                object.set("credentials", ["user": .string(user), "password": .string(password)])
            case .bearer(let token):
                object.set("type", "oauth")
                object.set("credentials", ["token": .string(token)])
            case .amazon(let id, let secret, let region):
                object.set("type", "aws")
                var fields = JSONObject()
                fields.set("accessKeyID", .string(id))
                fields.set("secretAccessKey", .string(secret))
                if let region { fields.set("awsRegion", .string(region)) }
                object.set("credentials", .object(fields))
            }
            return object
        }
    }

    private static func credentials(_ root: ConfigurationField) throws -> Credentials {
        let type = try root["type"].requiredString()
        let fields = root["credentials"]
        try fields.requireObject()
        switch type {
        case "basic":
            let user = try fields["user"].requiredString()
            guard !user.contains(":") else { throw fields["user"].failure("must not hold a ':'") }
            return .basic(user: user, password: try fields["password"].requiredString())
        case "oauth": return .bearer(token: try fields["token"].requiredString())
        case "aws":
            return .amazon(
                accessKeyID: try fields["accessKeyID"].requiredString(),
                secretAccessKey: try fields["secretAccessKey"].requiredString(),
                region: try fields["awsRegion"].string())
        default:
            throw root["type"].failure("\(ScalarError.quoted(type)) is not a known type: use basic, oauth or aws")
        }
    }
}

/// Reads `host` or `host:port`.
func hostName(_ text: String, _ field: ConfigurationField) throws -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        byte > 0x20 && byte < 0x7f && !"/?#@\\".utf8.contains(byte)
    }
    guard isPlain else {
        throw field.failure(
            "\(ScalarError.quoted(text)) is not a host: expected a name or address, and perhaps a port after a ':'")
    }
    return text.lowercased()
}
