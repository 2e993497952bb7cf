// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPTransport

/// The proxies that the environment names, as curl(1) reads them: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`.
///
/// `HTTP_PROXY` is not read, as a web server sets it to what a request says.
struct ProxySettings: Sendable {
    private let environment: [String: String]

    /// - Parameter environment: `NAME=value` each.
    init(_ environment: [String]) {
        var values: [String: String] = [:]
        for entry in environment {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            values[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        self.environment = values
    }

    private func first(_ names: String...) -> String? {
        names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    /// The proxy for an address, or nil to connect to its host.
    func proxy(for address: WebAddress) throws(TransferFailure) -> HTTPClient.Configuration.Proxy? {
        let own = address.scheme == .http ? first("http_proxy") : first("https_proxy", "HTTPS_PROXY")
        guard let text = own ?? first("all_proxy", "ALL_PROXY"), !isExempt(address) else { return nil }
        var isSOCKS = false
        var rest = text
        if let end = text.firstRange(of: "://") {
            switch text[..<end.lowerBound].lowercased() {
            case "http": break
            case "socks", "socks5", "socks5h": isSOCKS = true
            default:
                throw TransferFailure(
                    .request, "cannot use the proxy of the environment: its URL has to begin with http:// or socks5://")
            }
            rest = String(text[end.upperBound...])
        }
        guard let parsed = try? WebAddress("http://" + rest) else {
            throw TransferFailure(.request, "cannot use the proxy of the environment: its URL is not valid")
        }
        // Brackets are how URLs tell the end of an IPv6 address.
        let host = String(parsed.host.drop { $0 == "[" }.prefix { $0 != "]" })
        if isSOCKS { return .socksServer(host: host, port: parsed.port == 80 ? 1080 : parsed.port) }
        return .server(
            host: host, port: parsed.port,
            authorization: parsed.credentials.map { .basic(credentials: Base64.encode($0)) })
    }

    /// Whether `no_proxy` has the host, a domain that it is in, or `*`.
    private func isExempt(_ address: WebAddress) -> Bool {
        let host = address.host.drop { $0 == "[" }.prefix { $0 != "]" }
        let entries = (first("no_proxy", "NO_PROXY") ?? "").split { $0 == "," || $0 == " " }.map { $0.lowercased() }
        return entries.contains { entry in
            if entry == "*" || entry == address.host || entry == "\(address.host):\(address.port)" { return true }
            let name = entry.drop { $0 == "." }
            return !name.isEmpty && (host == name || host.hasSuffix("." + name))
        }
    }
}
