// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPTransport
import LinuxPlatform
import NIOCore
import NIOSSL
import Synchronization

/// The HTTP clients, one for each way to connect. Their connections are used again.
final class ClientPool: Sendable {
    /// A client and what it is made from.
    struct Member: Sendable {
        let client: HTTPClient
        let configuration: HTTPClient.Configuration
        /// `HOST:PORT`.
        let proxy: String?
    }

    private struct Key: Hashable {
        let proxy: HTTPClient.Configuration.Proxy?
        let verifies: Bool
        let patience: Int
    }

    private let members = Mutex<[Key: Member]>([:])
    private let proxies = ProxySettings(ProcessImage.environment)
    private let trust = TrustStore()

    /// The client for a request to an address.
    func member(for address: WebAddress, _ request: HTTPRequest) throws(TransferFailure) -> Member {
        let key = Key(
            proxy: try proxies.proxy(for: address), verifies: request.verifiesServer,
            patience: min(max(request.patience, 1), 3_600_000))
        if let member = members.withLock({ $0[key] }) { return member }
        let configuration = try configuration(key)
        return members.withLock { members in
            if let member = members[key] { return member }
            let member = Member(
                client: HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration),
                configuration: configuration, proxy: key.proxy.map { "\($0.host):\($0.port)" })
            members[key] = member
            return member
        }
    }

    private func configuration(_ key: Key) throws(TransferFailure) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if key.verifies {
            tls.trustRoots = try trust.roots()
        } else {
            tls.certificateVerification = .none
        }
        let patience = TimeAmount.milliseconds(Int64(key.patience))
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: patience, read: patience, write: patience), proxy: key.proxy,
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        // Attempts are counted by `Transfer`.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .seconds(10)
        return configuration
    }
}
