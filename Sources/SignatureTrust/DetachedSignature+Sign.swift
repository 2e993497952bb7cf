// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CGPGME
import Diagnostics
import SystemPackage

extension DetachedSignature {
    /// Signs a file with a secret key of the user, by the user's own gpg, which may ask for a passphrase.
    ///
    /// - Parameters:
    ///   - file: a regular file, read from its first byte to its last; its offset stays.
    ///   - key: what gpg finds one key by: a fingerprint, an ID, a name or an address.
    /// - Returns: the signature, armoured.
    package static func sign(_ file: FileDescriptor, with key: String) throws -> [UInt8] {
        try GPGSession.with(ofUser: true) { session in
            let signer = try session.secretKey(key)
            defer { gpgme_key_unref(signer) }
            let reader = GPGFileReader(file, onRead: nil)
            return try session.sign(reader, with: signer, called: key)
        }
    }
}

extension GPGSession {
    /// The one secret key that a text stands for; the caller releases it.
    fileprivate func secretKey(_ text: String) throws -> gpgme_key_t {
        var key: gpgme_key_t?
        let error = gpgme_get_key(context, text, &key, 1)
        switch gpgme_err_code(error) {
        case GPG_ERR_NO_ERROR: break
        case GPG_ERR_EOF, GPG_ERR_INV_VALUE:
            throw RuntimeError(
                .notFound, "there is no secret key \"\(text)\"; \"gpg --list-secret-keys\" lists those there are")
        case GPG_ERR_AMBIGUOUS_NAME:
            throw RuntimeError(.invalidArgument, "more than one secret key is \"\(text)\"; name one by its fingerprint")
        default: throw RuntimeError(.internal, "gpg cannot look for the key \"\(text)\": \(GPGError.text(error))")
        }
        guard let key else { throw GPGError.noMemory }
        return key
    }

    fileprivate func sign(_ file: GPGFileReader, with key: gpgme_key_t, called name: String) throws -> [UInt8] {
        gpgme_signers_clear(context)
        try GPGError.check(gpgme_signers_add(context, key), "sign with the key \"\(name)\"")
        let signature = try GPGData.empty()
        return try file.withData { data in
            let error = try GPGLoop.run(context) {
                gpgme_op_sign_start(context, data.handle, signature.handle, GPGME_SIG_MODE_DETACH)
            }
            if let failure = file.failure { throw RuntimeError.systemCall("read", nil, failure) }
            guard gpgme_err_code(error) == GPG_ERR_NO_ERROR, file.isAtEnd else {
                throw RuntimeError(
                    .untrusted, "gpg cannot sign with the key \"\(name)\": \(GPGError.text(error))")
            }
            guard let bytes = signature.contents(limit: DetachedSignature.limit), !bytes.isEmpty else {
                throw RuntimeError(.internal, "gpg made no signature with the key \"\(name)\"")
            }
            return bytes
        }
    }
}
