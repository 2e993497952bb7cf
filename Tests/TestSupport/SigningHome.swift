// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// A directory of gpg with secret keys of a test's own. Its agent is ended when the value goes.
package final class SigningHome {
    private let scratch: ScratchDirectory
    private var count = 0

    package init() throws {
        scratch = try ScratchDirectory()
        guard chmod(scratch.path.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
    }

    deinit { _ = try? run("gpgconf", ["--homedir", scratch.path.string, "--kill", "all"]) }

    /// A new path in the directory.
    package func path(_ name: String) -> FilePath {
        count += 1
        return scratch.appending("\(count)-\(name)")
    }

    /// Makes a key that can sign and returns its fingerprint.
    ///
    /// - Parameters:
    ///   - name: its user ID.
    ///   - algorithm: as gpg calls it.
    ///   - expiry: when it expires, counted from `time`.
    ///   - time: what gpg takes for the time, as in 20200101T000000.
    package func makeKey(
        _ name: String, _ algorithm: String = "ed25519", expiry: String = "never", time: String? = nil
    ) throws -> String {
        let faked = time.map { ["--faked-system-time", $0] } ?? []
        try gpg(faked + ["--passphrase", "", "--quick-gen-key", name, algorithm, "sign,cert", expiry])
        let lines = try gpg(["--with-colons", "--list-keys", "=\(name)"]).split(separator: "\n")
        guard let line = lines.last(where: { $0.hasPrefix("fpr:") }) else { throw FixtureError("gpg made no key") }
        return line.split(separator: ":").last.map { $0.lowercased() } ?? ""
    }

    /// Gives a key a subkey that signs.
    package func addSubkey(to key: String, _ algorithm: String = "ed25519") throws {
        try gpg(["--passphrase", "", "--quick-add-key", key, algorithm, "sign", "never"])
    }

    /// Revokes a key with the certificate that was made with it.
    package func revoke(_ key: String) throws {
        let certificate = scratch.appending("openpgp-revocs.d").appending(key.uppercased() + ".rev")
        let file = path("revocation.asc")
        let text = try FileSystem.readText(certificate)
        // A colon keeps it from being used by accident.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasPrefix(":-----") ? $0.dropFirst() : $0
        }
        try FileSystem.write((lines.drop { !$0.hasPrefix("-----") }.joined(separator: "\n") + "\n").utf8, to: file)
        try gpg(["--import", file.string])
    }

    /// The public keys in one armoured file.
    package func export(_ keys: String...) throws -> FilePath {
        let file = path("key.asc")
        try gpg(["--armor", "--output", file.string, "--export"] + keys)
        return file
    }

    /// A detached signature of a file.
    package func sign(
        _ file: FilePath, with key: String, armored: Bool = true, _ options: [String] = []
    ) throws -> FilePath {
        let signature = path("signature.asc")
        try gpg(
            options + (armored ? ["--armor"] : [])
                + ["--local-user", key, "--output", signature.string, "--detach-sign", file.string])
        return signature
    }

    /// Runs gpg in this directory and returns what it writes.
    @discardableResult
    package func gpg(_ arguments: [String]) throws -> String {
        try run(
            "gpg",
            ["--homedir", scratch.path.string, "--batch", "--quiet", "--no-tty", "--pinentry-mode=loopback"] + arguments
        )
    }

    private func run(_ program: String, _ arguments: [String]) throws -> String {
        guard let program = Program.path(of: program) else { throw FixtureError("\(program) is not installed") }
        let log = path("log")
        let process = try HostProcess(program, arguments, log: log)
        guard try process.child.wait() == .exited(0) else {
            throw FixtureError("\(process.command.joined(separator: " ")): \(process.error)")
        }
        return process.output
    }
}
