// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Diagnostics
import HTTPTransport
import NIOCore
import NIOHTTP1

/// Sends a request once, and again to where redirects lead.
struct Exchange: Sendable {
    /// What has come back; the body is still to be read.
    struct Answer {
        let response: HTTPClientResponse
        let head: HTTPResponse
        let circumstances: TransferFailure.Circumstances

        /// `Content-Length`, for bodies that have one.
        var length: Int64? {
            guard let text = head["Content-Length"], head["Transfer-Encoding"] == nil else { return nil }
            return Int64(text)
        }
    }

    /// Fields that say where the sender may go in, and that no other host is to see.
    private static let secrets: Set<String> = ["authorization", "cookie", "proxy-authorization"]
    /// Fields that callers do not set.
    private static let own: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "range", "if-range", "accept-encoding",
    ]

    let request: HTTPRequest
    let pool: ClientPool
    let trace: @Sendable (String) -> Void

    /// - Parameter extra: fields of this attempt.
    func run(_ extra: [HTTPField]) async throws(TransferFailure) -> Answer {
        var address = try parsed(request.url)
        var method = request.method
        var body = request.body
        var fields = request.fields
        if let field = fields.first(where: { Self.own.contains($0.name.lowercased()) }) {
            throw TransferFailure(.request, "a request must not set the field \"\(field.name)\"")
        }
        if let credentials = address.credentials {
            fields.removeAll { $0.name.lowercased() == "authorization" }
            fields.append(HTTPField("Authorization", "Basic \(Base64.encode(credentials))"))
        }
        let origin = address.string
        var shown = origin
        for count in 0... {
            guard address.scheme == .https || request.allowsPlainHTTP else {
                throw TransferFailure(
                    .plainHTTP,
                    "cannot get \"\(shown)\": plain HTTP is not secure; to allow it use --insecure-options=http"
                )
            }
            let answer = try await send(method, address, shown, headers(fields + extra), body)
            guard request.redirects > 0, let location = answer.head.location else { return answer }
            guard count < request.redirects else {
                throw TransferFailure(
                    .answer, "cannot get \"\(origin)\": it redirects more than \(request.redirects) times")
            }
            let next: WebAddress
            do throws(WebAddress.ParseError) {
                next = try address.resolving(location)
            } catch {
                throw TransferFailure(
                    .answer, "cannot get \"\(shown)\": it redirects to what is no URL to follow: \(error.reason)")
            }
            if !next.isSameOrigin(as: address) {
                fields.removeAll { Self.secrets.contains($0.name.lowercased()) }
            }
            // RFC 9110, 15.4: after these a form is not posted again.
            if method == .post, [301, 302, 303].contains(answer.head.status) {
                method = .get
                body = []
                fields.removeAll { $0.name.lowercased() == "content-type" }
            }
            address = next
            shown = next.stringWithoutQuery
        }
        throw .cancelled
    }

    private func parsed(_ url: String) throws(TransferFailure) -> WebAddress {
        do throws(WebAddress.ParseError) {
            return try WebAddress(url)
        } catch {
            // What is in front of an @ is a password.
            let shown = url.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
            throw TransferFailure(.request, "\"\(shown)\" is no URL to get anything from: \(error.reason)")
        }
    }

    private func headers(_ fields: [HTTPField]) -> HTTPHeaders {
        var headers = HTTPHeaders(fields.map { ($0.name, $0.value) })
        if !headers.contains(name: "User-Agent") { headers.add(name: "User-Agent", value: "rkt/\(Version.current)") }
        if !headers.contains(name: "Accept") { headers.add(name: "Accept", value: "*/*") }
        // An image is what its digest and its signature are for, not what a server makes of it.
        headers.add(name: "Accept-Encoding", value: "identity")
        return headers
    }

    private func send(
        _ method: HTTPRequest.Method, _ address: WebAddress, _ shown: String, _ headers: HTTPHeaders, _ body: [UInt8]
    ) async throws(TransferFailure) -> Answer {
        let member = try pool.member(for: address, request)
        let circumstances = TransferFailure.Circumstances(
            url: shown, method: method, patience: request.patience, proxy: member.proxy)
        var outgoing = HTTPClientRequest(url: address.string)
        outgoing.method = HTTPMethod(rawValue: method.rawValue)
        outgoing.headers = headers
        if !body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
        trace("\(method.rawValue) \(shown)")
        do {
            let response = try await Pace.head(request, circumstances) { [outgoing] in
                try await member.client.execute(outgoing, deadline: .distantFuture)
            }
            let head = HTTPResponse(
                status: Int(response.status.code),
                fields: response.headers.map { HTTPField($0.name, $0.value) }, url: address.string)
            trace("\(head.status) \(shown)")
            return Answer(response: response, head: head, circumstances: circumstances)
        } catch {
            let failure = TransferFailure(error, circumstances)
            trace(failure.failure.reason)
            guard failure.failure.kind == .certificate, request.verifiesServer,
                let reason = await CertificateDiagnosis.reason(for: address, configuration: member.configuration)
            else { throw failure }
            throw .certificate(reason, circumstances)
        }
    }
}

extension HTTPResponse {
    /// Where a redirect leads.
    fileprivate var location: String? { [301, 302, 303, 307, 308].contains(status) ? self["Location"] : nil }
}
