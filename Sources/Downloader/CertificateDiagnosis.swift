// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
@preconcurrency import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// Finds out what is wrong with a certificate that was refused: the TLS library tells only that it was.
enum CertificateDiagnosis {
    private struct Seen: Error {}

    private final class Box: Sendable {
        let certificate = Mutex<NIOSSLCertificate?>(nil)
    }

    /// Connects once more, looks at the certificate and sends nothing.
    ///
    /// - Returns: a reason, or nil if there is none to find.
    static func reason(for address: WebAddress, configuration: HTTPClient.Configuration) async -> String? {
        let box = Box()
        var configuration = configuration
        configuration.tlsConfiguration?.certificateVerification = .none
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.nioSSL_peerCertificate().flatMapThrowing { certificate in
                box.certificate.withLock { $0 = certificate }
                throw Seen()
            }
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        _ = try? await client.execute(HTTPClientRequest(url: address.string), deadline: .distantFuture)
        try? await client.shutdown()
        guard let certificate = box.certificate.withLock({ $0 }) else { return nil }
        let now = time(nil)
        if certificate.notValidAfter < now { return "its certificate has expired" }
        if certificate.notValidBefore > now { return "its certificate is not valid yet" }
        if "\(certificate.issuerName)" == "\(certificate.subjectName)" {
            return "its certificate is signed by nobody but itself"
        }
        return nil
    }
}
