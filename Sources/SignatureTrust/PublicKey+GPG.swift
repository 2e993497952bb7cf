// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CGPGME

extension PublicKey {
    init?(_ key: gpgme_key_t) {
        guard let first = key.pointee.subkeys, let primary = Part(first.pointee) else { return nil }
        self.primary = primary
        // What holds for the whole key.
        if key.pointee.revoked != 0 { self.primary.isRevoked = true }
        if key.pointee.expired != 0 { self.primary.isExpired = true }
        subkeys = []
        var next = first.pointee.next
        while let entry = next?.pointee {
            if let part = Part(entry) { subkeys.append(part) }
            next = entry.next
        }
        if key.pointee.invalid != 0 {
            // For instance when it has signed none of its user IDs.
            self.primary.canSign = false
            for index in subkeys.indices { subkeys[index].canSign = false }
        }
        userIDs = []
        var user = key.pointee.uids
        while let entry = user?.pointee {
            if entry.revoked == 0, entry.invalid == 0, let text = entry.uid {
                userIDs.append(PublicKey.printable(String(cString: text)))
            }
            user = entry.next
        }
    }

    /// A user ID is whatever its maker liked, also what a terminal takes for commands.
    static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(256).map { scalar in
            [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
                ? "?" : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

extension PublicKey.Part {
    init?(_ subkey: _gpgme_subkey) {
        guard let text = subkey.fpr, let fingerprint = KeyFingerprint(String(cString: text)) else { return nil }
        self.init(
            fingerprint, KeyAlgorithm(subkey.pubkey_algo, bits: Int(subkey.length)),
            created: Int64(max(0, subkey.timestamp)), expires: subkey.expires > 0 ? Int64(subkey.expires) : nil,
            isExpired: subkey.expired != 0, isRevoked: subkey.revoked != 0,
            canSign: subkey.can_sign != 0 && subkey.invalid == 0 && subkey.disabled == 0)
    }
}

extension KeyAlgorithm {
    init(_ algorithm: gpgme_pubkey_algo_t, bits: Int) {
        switch algorithm {
        case GPGME_PK_RSA, GPGME_PK_RSA_S: self = .rsa(bits: bits)
        case GPGME_PK_DSA: self = .dsa(bits: bits)
        case GPGME_PK_ECDSA, GPGME_PK_EDDSA: self = .ellipticCurve(bits: bits)
        default: self = .other(Int(algorithm.rawValue))
        }
    }
}
