// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// Decides which signatures are accepted, from what gpg has found out.
struct SignatureJudge {
    /// What messages call the image.
    let label: String
    let name: ACIdentifier
    /// The keys that may sign the image.
    let entries: [Keystore.Entry]
    /// What is known of these keys, and of others that came with them.
    let keys: [PublicKey]
    /// Files of keys that could not be used, each with the reason.
    let unusable: [String]

    /// Why a signature is refused.
    private struct Refusal {
        let reason: String
        let remedy: String
        /// Whether the signature is by a key that is trusted for the image.
        let isByTrustedKey: Bool
    }

    /// The signer of the first acceptable signature.
    func signer(_ reports: [SignatureReport], signature: String, digest: [UInt8]) throws -> Signer {
        guard !reports.isEmpty else {
            throw RuntimeError(
                .untrusted,
                "image \"\(label)\" (\(name)) is not verified: gpg finds no signature of it in \(signature); "
                    + "sign the image again, or use --insecure-options=image")
        }
        var refusals: [Refusal] = []
        for report in reports {
            switch judge(report, digest) {
            case .success(let signer): return signer
            case .failure(let refusal): refusals.append(refusal)
            }
        }
        let refusal = refusals.first(where: \.isByTrustedKey) ?? refusals[0]
        let files = unusable.isEmpty ? "" : " (\(unusable.joined(separator: "; ")))"
        // Clients look for these words.
        let cause =
            refusal.isByTrustedKey
            ? nil : RuntimeError(.untrusted, "openpgp: signature made by unknown entity")
        throw RuntimeError(
            .untrusted,
            "image \"\(label)\" (\(name)) is not verified: \(refusal.reason)\(files); \(refusal.remedy), "
                + "or use --insecure-options=image", cause: cause)
    }

    private enum Judgement {
        case success(Signer)
        case failure(Refusal)
    }

    private func judge(_ report: SignatureReport, _ digest: [UInt8]) -> Judgement {
        // Of a bad signature gpg tells the end of the fingerprint only.
        let found = keys.lazy.compactMap { key in
            key.part(report.signer, isWhole: report.status == .good).map { (key, $0) }
        }.first
        guard let (key, part) = found, let entry = entries.first(where: { $0.fingerprint == key.fingerprint }) else {
            let none = entries.isEmpty ? ", and no key is" : ""
            return .failure(
                Refusal(
                    reason: "it is signed by key \(PublicKey.printable(report.signer)), which is not trusted for this "
                        + "name\(none)", remedy: "trust the key with \"rkt trust --prefix=\(name) KEYFILE\"",
                    isByTrustedKey: false))
        }
        let owner = "key \(key.fingerprint)" + (key.userIDs.first.map { " (\($0))" } ?? "")
        func refuse(_ reason: String, _ remedy: String) -> Judgement {
            .failure(Refusal(reason: reason, remedy: remedy, isByTrustedKey: true))
        }
        let renew = "trust the signer's new key with \"rkt trust --prefix=\(name) KEYFILE\""
        let again = "get an image that is signed anew"
        switch report.status {
        case .good: break
        case .bad:
            return refuse(
                "its bytes are not those that \(owner) signed", "get the image and its signature again")
        case .expired: return refuse("its signature by \(owner) has expired", again)
        case .keyExpired: return refuse("\(owner) has expired", renew)
        case .keyRevoked: return refuse("\(owner) is revoked", renew)
        case .keyUnknown: return refuse("gpg does not find \(owner)", renew)
        case .failed(let text): return refuse("its signature by \(owner) fails: \(text)", again)
        }
        guard report.hasStrongHash else {
            return refuse("its signature by \(owner) is weak: it signs a digest of \(report.hash)", again)
        }
        if let flaw = key.primary.flaw { return refuse("\(owner) \(flaw)", renew) }
        if let flaw = part.flaw { return refuse("subkey \(part.fingerprint) of \(owner) \(flaw)", renew) }
        guard part.canSign else { return refuse("\(owner) is not one for signing", renew) }
        return .success(
            Signer(key: key, signingFingerprint: part.fingerprint, entry: entry, imageDigest: digest))
    }
}
