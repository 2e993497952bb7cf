// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import HTTPTransport
import HostConfiguration

/// The web as one command sees it: who asks, what may be skipped, and who is told.
package struct WebAccess: Sendable {
    package let transport: any HTTPTransport
    package let credentials: AuthConfiguration
    package let allowsPlainHTTP: Bool
    package let verifiesServers: Bool
    /// Gets lines about what is done.
    package let note: @Sendable (String) -> Void

    package init(
        _ transport: any HTTPTransport, credentials: AuthConfiguration = AuthConfiguration(),
        allowsPlainHTTP: Bool = false, verifiesServers: Bool = true,
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.transport = transport
        self.credentials = credentials
        self.allowsPlainHTTP = allowsPlainHTTP
        self.verifiesServers = verifiesServers
        self.note = note
    }

    /// A request for a URL with the credentials that are configured for its host.
    package func request(_ url: String, limit: Int64, fields: [HTTPField] = []) throws -> HTTPRequest {
        guard let address = WebAddress(url) else {
            throw RuntimeError(.invalidArgument, "\"\(url)\" is not a URL of a web server, or holds a user's name")
        }
        guard address.scheme == "https" || allowsPlainHTTP else {
            throw RuntimeError(
                .untrusted, "\"\(url)\" uses plain http; use https, or allow it with --insecure-options=http")
        }
        return HTTPRequest(
            .get, url, fields: fields + self.fields(for: address), limit: limit, allowsPlainHTTP: allowsPlainHTTP,
            verifiesServer: verifiesServers)
    }

    /// Gets a small resource.
    package func get(_ url: String, limit: Int64) throws -> HTTPResponse {
        try transport.send(request(url, limit: limit))
    }

    /// The fields that show who asks.
    func fields(for address: WebAddress) -> [HTTPField] {
        switch credentials.credentials(for: address.authority) {
        case nil: return []
        case .basic(let user, let password):
            return [HTTPField("Authorization", "Basic " + Base64.encoded(Array("\(user):\(password)".utf8)))]
        case .bearer(let token): return [HTTPField("Authorization", "Bearer \(token)")]
        case .amazon(let id, let secret, let region):
            let signature = AmazonSignature(
                accessKeyID: id, secretAccessKey: secret, region: region, host: address.host)
            return signature.fields(method: "GET", address, time: WebAccess.timeText()).map { HTTPField($0, $1) }
        }
    }

    /// Now, as in `20130524T000000Z`.
    private static func timeText() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
    }
}

/// Base 64 with padding (RFC 4648, section 4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let padded = Array(group) + [UInt8](repeating: 0, count: 3 - group.count)
            let number = Int(padded[0]) << 16 | Int(padded[1]) << 8 | Int(padded[2])
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[number >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
