// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import LinuxPlatform
import NIOSSL
import Synchronization
import SystemPackage

/// The authorities that may vouch for a server: those of SSL_CERT_FILE and SSL_CERT_DIR if the environment has any of
/// the two, or else those of the system.
final class TrustStore: Sendable {
    /// How many files of a directory are read.
    private static let fileLimit = 4096

    private let loaded = Mutex<NIOSSLTrustRoots?>(nil)

    func roots() throws(TransferFailure) -> NIOSSLTrustRoots {
        if let roots = loaded.withLock({ $0 }) { return roots }
        let roots = try Self.load(
            file: ProcessImage.variable("SSL_CERT_FILE"), directories: ProcessImage.variable("SSL_CERT_DIR"))
        loaded.withLock { $0 = roots }
        return roots
    }

    private static func load(file: String?, directories: String?) throws(TransferFailure) -> NIOSSLTrustRoots {
        guard file ?? directories != nil else { return .default }
        var certificates: [NIOSSLCertificate] = []
        if let file {
            do {
                certificates += try NIOSSLCertificate.fromPEMFile(file)
            } catch {
                throw TransferFailure(
                    .certificate, "cannot read certificates from \"\(file)\", which SSL_CERT_FILE names: \(error)")
            }
        }
        for directory in (directories ?? "").split(separator: ":").map({ FilePath(String($0)) }) {
            // What is in a directory beside certificates does no harm.
            for name in ((try? FileSystem.list(directory)) ?? []).sorted().prefix(fileLimit) {
                certificates += (try? NIOSSLCertificate.fromPEMFile(directory.appending(name).string)) ?? []
            }
        }
        return .certificates(certificates)
    }
}
