// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CGPGME

/// What gpg says about one signature.
struct SignatureReport: Equatable, Sendable {
    enum Status: Equatable, Sendable {
        case good
        /// The data are not those that were signed.
        case bad
        case expired
        case keyExpired
        case keyRevoked
        case keyUnknown
        /// Anything else, in gpg's words.
        case failed(String)
    }

    /// Of the key or subkey that signed; a part of it when gpg does not have the key.
    var signer: String
    var status: Status
    /// Name of the hash algorithm.
    var hash: String

    init(signer: String, status: Status, hash: String = "SHA512") {
        self.signer = signer
        self.status = status
        self.hash = hash
    }

    init(_ signature: _gpgme_signature) {
        signer = signature.fpr.map { String(cString: $0).lowercased() } ?? ""
        hash = gpgme_hash_algo_name(signature.hash_algo).map { String(cString: $0) } ?? "unknown"
        let unacceptable =
            GPGME_SIGSUM_RED.rawValue | GPGME_SIGSUM_BAD_POLICY.rawValue | GPGME_SIGSUM_SYS_ERROR.rawValue
        switch gpgme_err_code(signature.status) {
        case GPG_ERR_NO_ERROR where signature.wrong_key_usage != 0: status = .failed("the key is not one for signing")
        case GPG_ERR_NO_ERROR where signature.summary.rawValue & unacceptable != 0:
            status = .failed("gpg does not accept it")
        case GPG_ERR_NO_ERROR: status = .good
        case GPG_ERR_BAD_SIGNATURE: status = .bad
        case GPG_ERR_SIG_EXPIRED: status = .expired
        case GPG_ERR_KEY_EXPIRED: status = .keyExpired
        case GPG_ERR_CERT_REVOKED: status = .keyRevoked
        case GPG_ERR_NO_PUBKEY: status = .keyUnknown
        default: status = .failed(GPGError.text(signature.status))
        }
    }

    /// SHA-2 with at least 224 bits; for anything older, two files with one signature can be made.
    var hasStrongHash: Bool { ["SHA224", "SHA256", "SHA384", "SHA512"].contains(hash) }
}
