// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SignatureTrust
import SystemPackage

/// What `rkt trust` is to do.
package struct TrustRequest: Sendable {
    package var scope: KeyScope
    /// Paths and URLs of files with keys; the site of the prefix is asked when there are none.
    package var locations: [String]
    package var allowsPlainHTTP: Bool

    package init(scope: KeyScope, locations: [String], allowsPlainHTTP: Bool = false) {
        self.scope = scope
        self.locations = locations
        self.allowsPlainHTTP = allowsPlainHTTP
    }
}

/// The keys of one file, to be looked at by a person before they are trusted.
package struct KeyReview: Sendable {
    package let scope: KeyScope
    /// Path or URL.
    package let location: String
    /// Keys that can sign images.
    package let keys: [PublicKey]
    /// Keys that cannot and are left out.
    package let rejected: [PublicKey]

    package init(scope: KeyScope, location: String, keys: [PublicKey], rejected: [PublicKey] = []) {
        self.scope = scope
        self.location = location
        self.keys = keys
        self.rejected = rejected
    }
}

extension PodRuntime {
    /// Adds keys to this host's configuration.
    ///
    /// - Parameters:
    ///   - review: says whether the keys of a file are to be trusted; those of the next file follow either way.
    ///   - added: gets the file of each key that was stored.
    /// - Returns: whether all files were accepted.
    package func trust(
        _ request: TrustRequest, from source: KeySource, review: (KeyReview) throws -> Bool,
        added: (FilePath) throws -> Void
    ) throws -> Bool {
        let allowsPlainHTTP =
            request.allowsPlainHTTP || !settings.insecure.isDisjoint(with: [.http, .publicKey])
        let verifiesServer = settings.insecure.isDisjoint(with: [.tls, .publicKey])
        var locations = request.locations
        if locations.isEmpty || locations.contains(where: KeySource.isOnServer) {
            notices.warnOfServers("pubkey", allowsPlainHTTP: allowsPlainHTTP, verifiesServer: verifiesServer)
        }
        if locations.isEmpty {
            guard case .prefix(let prefix) = request.scope else {
                throw RuntimeError(.invalidArgument, "root keys are not discovered; name a file or URL with --root")
            }
            locations = try source.locations(for: prefix, allowsPlainHTTP: allowsPlainHTTP)
        }
        var areAllAccepted = true
        for location in locations {
            let bytes = try source.bytes(
                at: location, allowsPlainHTTP: allowsPlainHTTP, verifiesServer: verifiesServer)
            let files = try KeyFile.read(bytes, name: location)
            let usable = files.filter { $0.key.flaw == nil }
            guard !usable.isEmpty else { throw PodRuntime.unusable(files.map(\.key), location) }
            for file in usable {
                // A prefix that cannot hold keys is told about before anybody is asked.
                _ = try Keystore.path(
                    of: file.key.fingerprint, for: request.scope, in: settings.localConfiguration)
            }
            let offer = KeyReview(
                scope: request.scope, location: location, keys: usable.map(\.key),
                rejected: files.map(\.key).filter { $0.flaw != nil })
            guard try review(offer) else {
                areAllAccepted = false
                continue
            }
            for file in usable {
                try added(Keystore.add(file, for: request.scope, in: settings.localConfiguration))
            }
        }
        return areAllAccepted
    }

    private static func unusable(_ keys: [PublicKey], _ location: String) -> RuntimeError {
        let reasons = keys.map { "key \($0.fingerprint) \($0.flaw ?? "cannot be used")" }.joined(separator: ", ")
        return RuntimeError(
            .untrusted, "\"\(location)\" holds no key that can sign images: \(reasons); get a newer one from its owner")
    }
}
