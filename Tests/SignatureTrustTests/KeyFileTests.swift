// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SignatureTrust
import SystemPackage
import TestSupport
import Testing

@Suite(.requires("gpg"), .timeLimit(.minutes(5)))
struct KeyFileTests {
    private let home: SigningHome
    private let scratch: ScratchDirectory

    init() throws {
        home = try SigningHome()
        scratch = try ScratchDirectory()
    }

    @Test func `keys are described and kept one by one`() throws {
        let first = try home.makeKey("Carly Container (ACI signing key) <carly@example.com>", "rsa2048")
        try home.addSubkey(to: first)
        let second = try home.makeKey("Second <second@example.com>", expiry: "1y", time: "20200101T000000")
        let files = try KeyFile.read(FileSystem.read(home.export(first, second)), name: "keys")
        #expect(Set(files.map(\.key.fingerprint.string)) == [first, second])
        let key = try #require(files.first { $0.key.fingerprint.string == first }?.key)
        #expect(key.userIDs == ["Carly Container (ACI signing key) <carly@example.com>"])
        #expect(key.primary.algorithm == .rsa(bits: 2048))
        #expect(key.subkeys.map(\.algorithm) == [.ellipticCurve(bits: 255)] || key.subkeys.count == 1)
        #expect(key.flaw == nil)
        let old = try #require(files.first { $0.key.fingerprint.string == second }?.key)
        #expect(old.flaw == "has expired")
        #expect(old.primary.created == 1_577_836_800)
        #expect(old.primary.expires != nil)
        for file in files {
            let again = try KeyFile.read(file.bytes, name: "again")
            #expect(again.map(\.key) == [file.key])
        }

        let file = try #require(files.first { $0.key.fingerprint.string == first })
        let path = try Keystore.add(file, for: .prefix("example.com/app"), in: scratch.path)
        #expect(path == scratch.path.pushing(FilePath("trustedkeys/prefix.d/example.com/app/\(first)")))
        #expect(try FileSystem.status(path).mode == 0o644)
        #expect(try FileSystem.read(path) == file.bytes)
        #expect(try Keystore.add(file, for: .root, in: scratch.path).string.hasSuffix("/trustedkeys/root.d/\(first)"))
        #expect(try FileSystem.list(path.removingLastComponent()) == [first])
    }

    @Test func `what is not a public key is refused`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        let secret = home.path("secret.asc")
        try home.gpg(["--armor", "--output", secret.string, "--export-secret-keys", key])
        let data = home.path("data")
        try FileSystem.write("x".utf8, to: data)
        let cases: [[UInt8]] = [
            [], Array("no key\n".utf8), [UInt8](repeating: 0x99, count: 3000), [UInt8](repeating: 0, count: 1 << 20),
            try FileSystem.read(secret), try FileSystem.read(home.sign(data, with: key)),
            [UInt8](repeating: 0x20, count: 2 << 20),
        ]
        for bytes in cases {
            let error = #expect(throws: RuntimeError.self) { try KeyFile.read(bytes, name: "the file") }
            #expect(error?.message.hasPrefix("the file is ") == true)
        }
    }

    @Test func `user IDs cannot command a terminal`() throws {
        let key = try home.makeKey("Red\u{1b}[31m <red@example.com>")
        let files = try KeyFile.read(FileSystem.read(home.export(key)), name: "key")
        #expect(files.first?.key.userIDs == ["Red?[31m <red@example.com>"])
    }

    @Test func `no directory and no agent is left behind`() async throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        let file = try home.export(key)
        await #expect(processExitsWith: .success) { [path = file.string as String] in
            let scratch = try ScratchDirectory()
            setenv("TMPDIR", scratch.path.string, 1)
            _ = try KeyFile.read(FileSystem.read(FilePath(path)), name: path)
            #expect(throws: RuntimeError.self) { try KeyFile.read([1, 2, 3], name: "nothing") }
            let left = try FileSystem.list(scratch.path)
            precondition(left.isEmpty)
            precondition(HostTraces.processes(using: scratch.path).isEmpty)
        }
    }
}
