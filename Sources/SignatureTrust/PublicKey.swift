// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A public key with what a person needs to judge it.
package struct PublicKey: Sendable, Equatable {
    /// A primary key, or a subkey that it vouches for.
    package struct Part: Sendable, Equatable {
        package var fingerprint: KeyFingerprint
        package var algorithm: KeyAlgorithm
        /// Seconds since 1970.
        package var created: Int64
        /// Seconds since 1970; nil when it does not expire.
        package var expires: Int64?
        package var isExpired = false
        package var isRevoked = false
        package var canSign = false

        package init(
            _ fingerprint: KeyFingerprint, _ algorithm: KeyAlgorithm, created: Int64 = 0, expires: Int64? = nil,
            isExpired: Bool = false, isRevoked: Bool = false, canSign: Bool = true
        ) {
            self.fingerprint = fingerprint
            self.algorithm = algorithm
            self.created = created
            self.expires = expires
            self.isExpired = isExpired
            self.isRevoked = isRevoked
            self.canSign = canSign
        }

        /// Why its signatures are not accepted, as the end of a sentence; nil when they are.
        package var flaw: String? {
            if isRevoked { return "is revoked" }
            if isExpired { return "has expired" }
            return algorithm.weakness.map { "is weak: \($0)" }
        }
    }

    /// The primary key, which the key is named after.
    package var primary: Part
    package var subkeys: [Part]
    /// Names and addresses, without control characters.
    package var userIDs: [String]

    package init(primary: Part, subkeys: [Part] = [], userIDs: [String] = []) {
        self.primary = primary
        self.subkeys = subkeys
        self.userIDs = userIDs
    }

    package var fingerprint: KeyFingerprint { primary.fingerprint }

    /// Why no signature of this key could be accepted; nil when one could.
    package var flaw: String? {
        if let flaw = primary.flaw { return flaw }
        guard ([primary] + subkeys).contains(where: { $0.canSign && $0.flaw == nil }) else {
            return "cannot be used for signing"
        }
        return nil
    }

    /// The primary key or subkey with a fingerprint, or with one that has this end.
    func part(_ fingerprint: String, isWhole: Bool) -> Part? {
        guard fingerprint.utf8.count >= 16 else { return nil }
        return ([primary] + subkeys).first { part in
            isWhole ? part.fingerprint.string == fingerprint : part.fingerprint.string.hasSuffix(fingerprint)
        }
    }
}

/// Kind and size of a key.
package enum KeyAlgorithm: Sendable, Equatable {
    case rsa(bits: Int)
    case dsa(bits: Int)
    /// ECDSA or EdDSA.
    case ellipticCurve(bits: Int)
    /// Anything else, by its number in OpenPGP.
    case other(Int)

    /// Why signatures of such a key prove nothing; nil when they do.
    package var weakness: String? {
        switch self {
        case .rsa(let bits) where bits < 2048: "RSA with \(bits) bits, at least 2048 are needed"
        case .dsa(let bits) where bits < 2048: "DSA with \(bits) bits, at least 2048 are needed"
        case .ellipticCurve(let bits) where bits < 250: "an elliptic curve of \(bits) bits, at least 250 are needed"
        case .other(let number): "its algorithm, number \(number), is not one that signs"
        default: nil
        }
    }
}
