// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
@preconcurrency import Glibc
import HTTPTransport
import LinuxPlatform
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemPackage

extension TransferFailure {
    /// What to say of a request besides its error.
    struct Circumstances {
        /// The URL as people may see it.
        let url: String
        let method: HTTPRequest.Method
        /// Milliseconds.
        let patience: Int
        /// `HOST:PORT`.
        let proxy: String?

        func cannotConnect(_ kind: DownloadFailure.Kind, _ reason: String, isTransient: Bool) -> TransferFailure {
            let way = proxy.map { " by the proxy \"\($0)\"" } ?? ""
            return TransferFailure(kind, "cannot connect to \"\(url)\"\(way): \(reason)", isTransient: isTransient)
        }

        func cannotGet(_ kind: DownloadFailure.Kind, _ reason: String, isTransient: Bool) -> TransferFailure {
            let verb = method == .post ? "post to" : "get"
            return TransferFailure(kind, "cannot \(verb) \"\(url)\": \(reason)", isTransient: isTransient)
        }

        var time: String { patience % 1000 == 0 ? "\(patience / 1000) s" : "\(patience) ms" }
    }

    /// The failure that an error of the HTTP client stands for.
    init(_ error: any Error, _ circumstances: Circumstances) {
        self =
            switch error {
            case let error as TransferFailure: error
            case is CancellationError: .cancelled
            case let error as HTTPClientError: Self.client(error, circumstances)
            case let error as NIOConnectionError: Self.connection(error, circumstances)
            case let error as IOError where Self.noWay.contains(error.errnoCode):
                circumstances.cannotConnect(.connection, Self.text(error), isTransient: true)
            case let error as IOError:
                circumstances.cannotGet(.connection, Self.text(error), isTransient: true)
            case let error as NIOSSLError: Self.tls(error, circumstances)
            case let error as NIOSSLExtraError where error == .failedToValidateHostname:
                Self.certificate("its certificate is for another host", circumstances)
            case is NIOSSLExtraError:
                circumstances.cannotConnect(
                    .certificate, "TLS cannot be used with this host's name", isTransient: false)
            case HTTPParserError.invalidEOFState:
                circumstances.cannotGet(.connection, Self.brokenOff, isTransient: true)
            case is HTTPParserError:
                circumstances.cannotGet(.answer, "what the server sends is not HTTP", isTransient: false)
            case ChannelError.connectTimeout: Self.noConnection(circumstances)
            case is ChannelError: circumstances.cannotGet(.connection, Self.brokenOff, isTransient: true)
            default: circumstances.cannotGet(.connection, "\(type(of: error)): \(error)", isTransient: false)
            }
    }

    /// A certificate that has not passed a check.
    static func certificate(_ reason: String, _ circumstances: Circumstances) -> TransferFailure {
        circumstances.cannotConnect(
            .certificate, "\(reason); to connect regardless use --insecure-options=tls", isTransient: false)
    }

    /// What connect(2) says of an address.
    private static let noWay = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL, EACCES]
    private static let brokenOff = "the server has closed the connection in the midst of it"

    private static func noConnection(_ circumstances: Circumstances) -> TransferFailure {
        circumstances.cannotConnect(.timeout, "no connection within \(circumstances.time)", isTransient: true)
    }

    private static func client(_ error: HTTPClientError, _ circumstances: Circumstances) -> TransferFailure {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout,
            .socksHandshakeTimeout:
            return noConnection(circumstances)
        case .readTimeout, .writeTimeout, .deadlineExceeded:
            return circumstances.cannotGet(.timeout, "no data for \(circumstances.time)", isTransient: true)
        case .remoteConnectionClosed, .uncleanShutdown, .requestStreamCancelled:
            return circumstances.cannotGet(.connection, brokenOff, isTransient: true)
        case .cancelled:
            return .cancelled
        case .proxyAuthenticationRequired:
            return circumstances.cannotConnect(
                .connection, "the proxy wants a user and a password in its URL", isTransient: false)
        case .invalidProxyResponse:
            return circumstances.cannotConnect(.connection, "the proxy refuses", isTransient: false)
        default:
            return circumstances.cannotGet(.request, error.shortDescription, isTransient: false)
        }
    }

    private static func connection(_ error: NIOConnectionError, _ circumstances: Circumstances) -> TransferFailure {
        let errors = error.connectionErrors.map(\.error)
        if let refused = errors.compactMap({ $0 as? IOError }).min(by: { rank($0) < rank($1) }) {
            return circumstances.cannotConnect(.connection, text(refused), isTransient: true)
        }
        if !errors.isEmpty { return noConnection(circumstances) }
        guard let unknown = (error.dnsAError ?? error.dnsAAAAError) as? SocketAddressError.UnknownHost else {
            return circumstances.cannotConnect(.name, "its name does not resolve", isTransient: true)
        }
        // getaddrinfo(3): there is no such name, or it has no address.
        if [Int(EAI_NONAME), -5].contains(unknown.errorCode) {
            return circumstances.cannotConnect(
                .name, "there is no host named \"\(error.host)\"", isTransient: false)
        }
        return circumstances.cannotConnect(
            .name, "the name \"\(error.host)\" does not resolve now: \(unknown.errorDescription)", isTransient: true)
    }

    /// A host with several addresses gives several errors: one that has answered says most.
    private static func rank(_ error: IOError) -> Int { error.errnoCode == ECONNREFUSED ? 0 : 1 }

    private static func text(_ error: IOError) -> String { Errno(rawValue: error.errnoCode).text.lowercasedFirst }

    private static func tls(_ error: NIOSSLError, _ circumstances: Circumstances) -> TransferFailure {
        switch error {
        case .uncleanShutdown:
            return circumstances.cannotGet(.connection, brokenOff, isTransient: true)
        case .handshakeFailed(let reason):
            let text = String(describing: reason)
            if text.contains("CERTIFICATE_VERIFY_FAILED") { return untrusted(circumstances) }
            if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
                return circumstances.cannotConnect(.certificate, "the server does not talk TLS", isTransient: false)
            }
            if text.contains("EOF during handshake") || text.contains("syscallError") {
                return circumstances.cannotConnect(
                    .connection, "the server has closed the connection during the TLS handshake", isTransient: true)
            }
            return circumstances.cannotConnect(.certificate, "the TLS handshake failed: \(text)", isTransient: false)
        case .unableToValidateCertificate, .noCertificateToValidate:
            return untrusted(circumstances)
        default:
            return circumstances.cannotConnect(.certificate, "TLS failed: \(error)", isTransient: false)
        }
    }

    private static func untrusted(_ circumstances: Circumstances) -> TransferFailure {
        certificate("its certificate is issued by an authority that is not trusted", circumstances)
    }
}

extension String {
    /// `Connection refused` in the midst of a sentence.
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
