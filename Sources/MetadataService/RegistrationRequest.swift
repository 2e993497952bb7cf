// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// What `rkt` asks on the UNIX socket.
enum RegistrationRequest: Equatable {
    case pod(PodUUID, token: String, addresses: [IPAddress])
    case image(PodUUID, app: String)
    case remove(PodUUID)

    /// How large a manifest may be, in bytes.
    static let manifestLimit = 4 << 20
    static let addressLimit = 64

    init(_ head: RequestHead) throws(Refusal) {
        let parts = head.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (3...4).contains(parts.count), parts[0].isEmpty, parts[1] == "pods" else {
            throw Refusal(404, "there is nothing at this path")
        }
        let methods = parts.count == 3 ? ["PUT", "DELETE"] : ["PUT"]
        guard methods.contains(head.method) else {
            let names = methods.joined(separator: ", ")
            throw Refusal(405, "this path is for \(names) only", allow: names)
        }
        guard let uuid = try? PodUUID(parsing: parts[2]), uuid.description == parts[2], !uuid.isZero else {
            throw Refusal(400, "the path names no pod: expected a UUID in its canonical form")
        }
        switch (parts.count, head.method) {
        case (4, _):
            guard let app = URLText.decode(parts[3]), (try? ACName(parsing: app)) != nil else {
                throw Refusal(400, "the path names no app: expected an AC name")
            }
            self = .image(uuid, app: app)
        case (_, "DELETE"): self = .remove(uuid)
        default:
            let (token, addresses) = try RegistrationRequest.identity(head.query)
            self = .pod(uuid, token: token, addresses: addresses)
        }
    }

    /// Reads `token=TOKEN&address=ADDRESS&address=…`.
    private static func identity(_ query: Substring) throws(Refusal) -> (String, [IPAddress]) {
        guard let form = FormDecoder(Array(query.utf8)), form.names.isSubset(of: ["token", "address"]) else {
            throw Refusal(400, "the query may have only token and address")
        }
        let tokens = form.texts("token")
        guard tokens.count == 1, isToken(tokens[0]) else {
            throw Refusal(400, "token must be there once, with 32 lower-case hexadecimal digits")
        }
        let texts = form.texts("address")
        guard (1...addressLimit).contains(texts.count) else {
            throw Refusal(400, "address must be there 1 to \(addressLimit) times")
        }
        var addresses: [IPAddress] = []
        for text in texts {
            guard let address = IPAddress(text)?.withoutMapping else {
                throw Refusal(400, "\"\(text.prefix(64))\" is not an IPv4 or IPv6 address")
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return (tokens[0], addresses)
    }

    static func isToken(_ text: String) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    /// Whether a manifest comes with it.
    var hasBody: Bool { if case .remove = self { false } else { true } }
}

extension IPAddress {
    /// The IPv4 address of a mapped one (RFC 4291, section 2.5.5.2); others as they are.
    package var withoutMapping: IPAddress {
        guard family == .v6, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff else {
            return self
        }
        return IPAddress(bytes: bytes[12...]) ?? self
    }
}
