// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CGPGME
import Diagnostics
import LinuxPlatform
import Synchronization
import SystemPackage

/// gpg with a directory of its own, for a few operations in a row.
final class GPGSession {
    let context: gpgme_ctx_t
    /// Nil when the user's own is used.
    private let home: GPGHome?

    private static let turn = Mutex(())
    private static let programs: [FilePath] = ["/usr/bin/gpg", "/usr/local/bin/gpg", "/bin/gpg"]

    /// Does something with a new session. One session is open at a time, because signals belong to the process.
    ///
    /// - Parameter ofUser: whether gpg uses the user's own directory, with their keys and configuration.
    /// - Throws: code `notFound` when gpg is not installed.
    static func with<Result: Sendable>(
        ofUser: Bool = false, _ body: (GPGSession) throws -> Result
    ) throws -> Result {
        try turn.withLock { _ in
            // GPGME writes to pipes whose reader may be gone, and makes the process ignore the signal for good; what
            // this process executes later must not inherit that.
            var saved = sigaction()
            var ignore = sigaction()
            ignore.__sigaction_handler.sa_handler = SIG_IGN
            sigaction(SIGPIPE, &ignore, &saved)
            defer { sigaction(SIGPIPE, &saved, nil) }
            return try body(GPGSession(ofUser: ofUser))
        }
    }

    private init(ofUser: Bool) throws {
        guard let program = GPGSession.programs.first(where: { access($0.string, X_OK) == 0 }) else {
            throw RuntimeError(
                .notFound,
                "gpg is not installed, and signatures cannot be made or verified without it; "
                    + "install the Debian package gnupg")
        }
        // gpgconf would tell where programs are, which is known, and start some of them to find out more.
        gpgme_set_global_flag("disable-gpgconf", "1")
        guard gpgme_check_version("1.18.0") != nil else {
            throw RuntimeError(.unsupported, "libgpgme is older than 1.18.0")
        }
        home = ofUser ? nil : try GPGHome()
        var context: gpgme_ctx_t?
        try GPGError.check(gpgme_new(&context), "start GPGME")
        guard let context else { throw GPGError.noMemory }
        self.context = context
        gpgme_set_armor(context, 1)
        gpgme_set_offline(context, 1)
        try GPGError.check(
            gpgme_ctx_set_engine_info(context, GPGME_PROTOCOL_OpenPGP, program.string, home?.path.string),
            "use \(program)")
    }

    deinit { gpgme_release(context) }

    /// Adds the public keys among some bytes, armoured or not.
    ///
    /// - Returns: nil, or why there is no usable key among them.
    func importKeys(_ bytes: [UInt8]) throws -> String? {
        let data = try GPGData.bytes(bytes)
        let error = try GPGLoop.run(context) { gpgme_op_import_start(context, data.handle) }
        guard let result = gpgme_op_import_result(context)?.pointee else { return "gpg: \(GPGError.text(error))" }
        if result.secret_read > 0 { return "it holds a secret key" }
        if result.imports == nil || result.considered == 0 { return "it holds no public key" }
        return result.imported + result.unchanged + result.new_user_ids + result.new_sub_keys + result.new_signatures
            > 0
            ? nil : "gpg accepts none of its keys"
    }

    /// The keys that were added.
    func keys(limit: Int = 256) throws -> [PublicKey] {
        try GPGError.check(gpgme_op_keylist_start(context, nil, 0), "list keys")
        defer { gpgme_op_keylist_end(context) }
        var keys: [PublicKey] = []
        var key: gpgme_key_t?
        while gpgme_err_code(gpgme_op_keylist_next(context, &key)) == GPG_ERR_NO_ERROR, let found = key {
            defer { gpgme_key_unref(found) }
            guard keys.count < limit else { throw RuntimeError(.invalidArgument, "there are more than \(limit) keys") }
            if let description = PublicKey(found) { keys.append(description) }
        }
        return keys
    }

    /// A key that was added, armoured, without other people's signatures.
    func export(_ fingerprint: KeyFingerprint, limit: Int) throws -> [UInt8] {
        let data = try GPGData.empty()
        try GPGError.check(
            gpgme_op_export(context, fingerprint.string, gpgme_export_mode_t(GPGME_EXPORT_MODE_MINIMAL), data.handle),
            "export key \(fingerprint)")
        guard let bytes = data.contents(limit: limit) else {
            throw RuntimeError(.invalidArgument, "key \(fingerprint) is larger than \(limit) bytes")
        }
        return bytes
    }

    /// Verifies a detached signature with the keys that were added.
    ///
    /// - Parameter signature: packets of signatures and nothing else.
    /// - Returns: what gpg says about each signature; nothing when it does not understand them.
    func verify(_ signature: [UInt8], of file: GPGFileReader) throws -> [SignatureReport] {
        let signature = try GPGData.bytes(signature)
        return try file.withData { data in
            let error = try GPGLoop.run(context) {
                gpgme_op_verify_start(context, signature.handle, data.handle, nil)
            }
            if let failure = file.failure { throw RuntimeError.systemCall("read", nil, failure) }
            switch gpgme_err_code(error) {
            case GPG_ERR_NO_ERROR: break
            case GPG_ERR_NO_DATA, GPG_ERR_INV_VALUE, GPG_ERR_BAD_DATA: return []
            default: throw RuntimeError(.internal, "gpg cannot verify the signature: \(GPGError.text(error))")
            }
            // Whatever gpg has looked at, it was not all of these data.
            guard file.isAtEnd else { return [] }
            var reports: [SignatureReport] = []
            var next = gpgme_op_verify_result(context)?.pointee.signatures
            while let entry = next?.pointee {
                reports.append(SignatureReport(entry))
                next = entry.next
            }
            return reports
        }
    }
}
