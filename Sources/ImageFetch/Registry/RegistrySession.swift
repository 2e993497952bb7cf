// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport

/// How a registry is talked to.
package struct RegistrySecurity: Sendable, Equatable {
    /// Whether plain HTTP is tried when there is no answer over TLS.
    package var allowsPlainHTTP: Bool
    /// Whether certificates and host names are checked.
    package var verifiesServer: Bool

    package init(allowsPlainHTTP: Bool = false, verifiesServer: Bool = true) {
        self.allowsPlainHTTP = allowsPlainHTTP
        self.verifiesServer = verifiesServer
    }
}

/// Requests to one repository of a registry, with what authorizes them (distribution specification 1.1, and Docker's
/// token authentication).
final class RegistrySession {
    private let transport: any HTTPTransport
    private let credentials: @Sendable (_ host: String) throws -> HTTPField?
    private let security: RegistrySecurity
    private let host: String
    private let repository: String
    /// `https`, or `http` once only that has answered.
    private var scheme = "https"
    /// What the registry has asked for so far.
    private var authorization: HTTPField?

    init(
        _ reference: RegistryReference, transport: any HTTPTransport, security: RegistrySecurity,
        credentials: @escaping @Sendable (_ host: String) throws -> HTTPField?
    ) {
        self.transport = transport
        self.credentials = credentials
        self.security = security
        host = reference.host
        repository = reference.repository
    }

    /// Asks for a part of the repository, and authenticates if the registry wants that.
    func send(
        _ method: HTTPRequest.Method, _ part: String, accept: [String] = [], limit: Int64
    ) throws -> HTTPResponse {
        var response = try sendOnce(request(method, part, accept: accept, limit: limit))
        if response.status == 401, try authenticate(after: response) {
            response = try transport.send(request(method, part, accept: accept, limit: limit))
        }
        return response
    }

    /// Gets parts of the repository into files, several at once.
    func download(_ downloads: [(part: String, download: (HTTPRequest) -> Download, limit: Int64)]) throws
        -> [Result<HTTPResponse, any Error>]
    {
        func run(_ indices: [Int]) throws -> [Result<HTTPResponse, any Error>] {
            try transport.download(
                indices.map { downloads[$0].download(request(.get, downloads[$0].part, limit: downloads[$0].limit)) })
        }
        var results = try run(Array(downloads.indices))
        // A token may have run out since the manifest came, or blobs may need what manifests do not.
        let refused = results.indices.filter { (try? results[$0].get())?.status == 401 }
        if let first = refused.first, try authenticate(after: results[first].get()) {
            for (index, result) in zip(refused, try run(refused)) { results[index] = result }
        }
        return results
    }

    /// What a status other than the wanted one means to the user.
    func failure(_ response: HTTPResponse, getting what: String) -> RuntimeError {
        var text = "cannot get \(what) from \(host): bad HTTP status code: \(response.status)"
        let document = try? DocumentField(parsing: response.body, document: "")
        let reason = document?["errors"].value?[0]?["message"]?.string ?? document?["message"].value?.string
        if let reason, !reason.isEmpty { text += " (\(ScalarError.quoted(reason)))" }
        switch response.status {
        case 401, 403:
            return RuntimeError(
                .permissionDenied,
                text + "; the image may not exist, or need other credentials for \(host) (dockerAuth)")
        case 404: return RuntimeError(.notFound, text + "; check the name and the tag")
        case 429: return RuntimeError(.busy, text + "; try again later, or with credentials for \(host) (dockerAuth)")
        default: return RuntimeError(.internal, text)
        }
    }

    // MARK: - Requests

    private func request(
        _ method: HTTPRequest.Method, _ part: String, accept: [String] = [], limit: Int64
    ) -> HTTPRequest {
        var fields = accept.map { HTTPField("Accept", $0) }
        if let authorization { fields.append(authorization) }
        return HTTPRequest(
            method, "\(scheme)://\(host)/v2/\(repository)/\(part)", fields: fields, limit: limit,
            allowsPlainHTTP: security.allowsPlainHTTP, verifiesServer: security.verifiesServer)
    }

    /// Sends the first request of the session over TLS, and over plain HTTP if that is allowed and TLS failed.
    private func sendOnce(_ request: HTTPRequest) throws -> HTTPResponse {
        do {
            return try transport.send(request)
        } catch  where security.allowsPlainHTTP && scheme == "https" && authorization == nil {
            var plain = request
            plain.url = "http" + request.url.dropFirst("https".count)
            guard let response = try? transport.send(plain) else { throw error }
            scheme = "http"
            return response
        }
    }

    // MARK: - Authentication

    /// Gets what the registry asks for.
    ///
    /// - Returns: whether asking again makes sense.
    private func authenticate(after response: HTTPResponse) throws -> Bool {
        // What another server asks for, after a redirect, is not the registry's business.
        guard URLText.host(response.url) == URLText.host("\(scheme)://\(host)") else { return false }
        let challenges = response.fields.filter { $0.name.lowercased() == "www-authenticate" }
            .flatMap { AuthenticationChallenge.parse($0.value) }
        let before = authorization
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            authorization = HTTPField("Authorization", "Bearer \(try token(bearer))")
            return true
        }
        if challenges.contains(where: { $0.scheme == "basic" }) {
            authorization = try credentials(host)
            return authorization != nil && authorization != before
        }
        return false
    }

    private func token(_ challenge: AuthenticationChallenge) throws -> String {
        guard let realm = challenge.parameters["realm"] else {
            throw RuntimeError(
                .invalidArgument, "the registry \(host) asks for a token and does not say where to get one")
        }
        let isSecure = realm.lowercased().hasPrefix("https://")
        guard isSecure || security.allowsPlainHTTP && realm.lowercased().hasPrefix("http://"),
            let realmHost = URLText.host(realm)
        else {
            throw RuntimeError(
                .untrusted,
                "the registry \(host) wants a token from \(ScalarError.quoted(realm)), which is not an https URL")
        }
        var query = ["scope=" + URLText.encoded(challenge.parameters["scope"] ?? "repository:\(repository):pull")]
        if let service = challenge.parameters["service"] { query.insert("service=" + URLText.encoded(service), at: 0) }
        let url = realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        let field = try credentials(host)
        let response = try transport.send(
            HTTPRequest(
                .get, url, fields: field.map { [$0] } ?? [], limit: 1 << 20,
                allowsPlainHTTP: security.allowsPlainHTTP, verifiesServer: security.verifiesServer))
        guard response.status == 200 else {
            let hint =
                field == nil ? "it may need credentials for \(host) (dockerAuth)" : "check the credentials (dockerAuth)"
            throw RuntimeError(
                [401, 403].contains(response.status) ? .permissionDenied : .internal,
                "\(realmHost) gives no token for \(host)/\(repository): bad HTTP status code: \(response.status); \(hint)"
            )
        }
        let name = "the answer of \(realmHost)"
        let document = try DocumentField(parsing: response.body, document: name)
        var token = try document["token"].string() ?? ""
        if token.isEmpty { token = try document["access_token"].requiredString() }
        guard !token.isEmpty, token.utf8.count <= 64 << 10, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw RuntimeError(.invalidArgument, "\(name) holds a token that cannot be sent")
        }
        return token
    }
}

/// What is needed of URLs.
enum URLText {
    /// Host and port of an absolute URL, in lower case and without the scheme's own port; nil when it has no host, or
    /// names a user.
    static func host(_ url: String) -> String? {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        let host = url[colon...].dropFirst(3).prefix { !"/?#".contains($0) }.lowercased()
        guard !host.isEmpty, !host.contains("@") else { return nil }
        let port = url[..<colon].lowercased() == "http" ? ":80" : ":443"
        return host.hasSuffix(port) ? String(host.dropLast(port.count)) : host
    }

    /// A value in a query.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isPlain = byte < 0x80 && (scalar.properties.isAlphabetic || "0123456789-._~:/,".utf8.contains(byte))
            if isPlain {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
