// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import ImageFetch
import LinuxPlatform
import SignatureTrust
import SystemPackage

/// Checks signatures with the keys that this host trusts.
struct KeystoreVerifier: ImageVerifier {
    let keystore: Keystore
    /// Gets keys from where a name's domain says, and stores them; nil when nobody has allowed that.
    let trustKeys: (@Sendable (ACIdentifier) throws -> Void)?

    func prepareKeys(for name: ACIdentifier) throws {
        guard let trustKeys, try !keystore.hasKeys(for: name) else { return }
        try trustKeys(name)
    }

    func verify(
        _ image: FileDescriptor, called label: String, signature: [UInt8], name: ACIdentifier
    ) throws -> VerifiedImage {
        let signer = try keystore.verify(
            image: image, called: label, signature: DetachedSignature(signature, name: "the signature of \(label)"),
            of: name)
        return VerifiedImage(
            signers: signer.names, digest: signer.imageDigest, fingerprint: signer.signingFingerprint.string)
    }
}

extension Settings {
    /// The keys that images may be signed with.
    package var keystore: Keystore {
        Keystore(directories: [systemConfiguration, localConfiguration] + (userConfiguration.map { [$0] } ?? []))
    }
}

extension PodRuntime {
    /// Where `trust` gets keys from.
    package var keySource: KeySource {
        get throws {
            let auth = try HostConfiguration(reading: settings.configuration, [AuthConfiguration.self])[
                AuthConfiguration.self]
            return PodRuntime.keySource(settings, notices, transport, auth)
        }
    }

    static func keySource(
        _ settings: Settings, _ notices: Notices, _ transport: any HTTPTransport, _ auth: AuthConfiguration
    ) -> KeySource {
        let verifiesServers = settings.insecure.isDisjoint(with: [.tls, .publicKey])
        return KeySource(transport: transport) { name, allowsPlainHTTP in
            let web = WebAccess(
                transport, credentials: auth, allowsPlainHTTP: allowsPlainHTTP, verifiesServers: verifiesServers,
                note: { notices.debug("pubkey", $0) })
            // A page must not name files of this host.
            return try Discovery(web).keys(for: name).filter { WebAddress($0) != nil }
        }
    }
}

extension ImageFinder {
    /// What checks signatures; nil when they need not be checked.
    func verifier(_ auth: AuthConfiguration) -> KeystoreVerifier? {
        guard !settings.insecure.contains(.image) else { return nil }
        guard settings.trustsKeysFromHTTPS else { return KeystoreVerifier(keystore: settings.keystore, trustKeys: nil) }
        let (settings, notices) = (settings, notices)
        let source = PodRuntime.keySource(settings, notices, transport, auth)
        return KeystoreVerifier(keystore: settings.keystore) { name in
            try ImageFinder.trustKeys(of: name, from: source, settings, notices)
        }
    }

    /// Trusts the keys that a name's domain offers for images of that name: by HTTPS, unless keys may come by HTTP.
    private static func trustKeys(
        of name: ACIdentifier, from source: KeySource, _ settings: Settings, _ notices: Notices
    ) throws {
        let allowsPlainHTTP = settings.insecure.contains(.publicKey)
        let verifiesServer = settings.insecure.isDisjoint(with: [.tls, .publicKey])
        notices.warnOfServers("pubkey", allowsPlainHTTP: allowsPlainHTTP, verifiesServer: verifiesServer)
        for location in try source.locations(for: name, allowsPlainHTTP: allowsPlainHTTP) {
            let bytes = try source.bytes(
                at: location, allowsPlainHTTP: allowsPlainHTTP, verifiesServer: verifiesServer)
            for file in try KeyFile.read(bytes, name: location) where file.key.flaw == nil {
                let path = try Keystore.add(file, for: .prefix(name), in: settings.localConfiguration)
                notices.write("pubkey", "trusting \"\(location)\" for prefix \"\(name)\": added key at \"\(path)\"")
            }
        }
    }
}
