// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// From a new key to an image that is verified, and to those that are not.
@Suite(.requiresBuild, .requires("gpg"), .podLogs, .timeLimit(.minutes(5)))
struct SignatureTests {
    private func rkt(_ fixture: PodFixture, _ arguments: [String]) async throws -> HostProcess.Outcome {
        try await fixture.spawn(
            BuildProducts.rkt,
            [
                "--dir=\(fixture.data)", "--local-config=\(fixture.path("etc"))",
                "--system-config=\(fixture.path("usr"))",
            ]
                + arguments
        ).end()
    }

    @Test(arguments: ["--root", "--prefix=example.com/busybox", "--prefix=example.com"])
    func `a signed image is fetched, a changed one and others are not`(scope: String) async throws {
        let home = try SigningHome()
        let key = try home.makeKey("Carly Container <carly@example.com>")
        let stranger = try home.makeKey("Mallory <mallory@example.com>")
        let publicKey = try home.export(key)
        try await PodFixture.with(seeded: false) { fixture in
            let image = fixture.path("busybox.aci")
            let contents = try FileSystem.read(BuildProducts.image("busybox"), limit: 1 << 30)
            try FileSystem.write(contents, to: image)
            func sign(with key: String) throws {
                let signature = try home.sign(image, with: key)
                try FileSystem.write(FileSystem.read(signature), to: FilePath(image.string + ".asc"))
            }
            func refused(_ reason: String, _ flags: String...) async throws {
                let outcome = try await rkt(fixture, ["fetch", image.string] + flags)
                #expect(outcome.status == 254)
                #expect(outcome.output == "")
                #expect(outcome.error.contains(reason), "\(outcome.error)")
                #expect(try await rkt(fixture, ["image", "list", "--no-legend"]).lines.isEmpty)
            }

            try await refused("busybox.aci.asc: no such file or directory")
            try sign(with: key)
            try await refused("openpgp: signature made by unknown entity")
            let trusted = try await rkt(fixture, ["trust", scope, "--skip-fingerprint-review", publicKey.string])
            #expect(trusted.status == 0, "\(trusted.error)")
            #expect(trusted.output.hasPrefix("Added "))

            // One byte in the middle of a program.
            var changed = contents
            changed[contents.count / 2] ^= 1
            try FileSystem.write(changed, to: image)
            try await refused("its bytes are not those that key \(key)")
            try FileSystem.write(contents, to: image)
            try sign(with: stranger)
            try await refused("openpgp: signature made by unknown entity")

            let signature = try home.sign(image, with: key)
            let fetched = try await rkt(fixture, ["fetch", image.string, "--signature=\(signature)"])
            #expect(fetched.status == 0)
            #expect(fetched.output.hasPrefix("sha512-"))
            #expect(fetched.error == "image: signature verified:\nimage:   Carly Container <carly@example.com>\n")
            #expect(try await rkt(fixture, ["image", "rm", "example.com/busybox"]).status == 0)

            try sign(with: key)
            #expect(try await rkt(fixture, ["fetch", image.string]).output == fetched.output)
        }
    }

    @Test func `a key for another name does not do`() async throws {
        let home = try SigningHome()
        let key = try home.makeKey("Carly Container <carly@example.com>")
        let publicKey = try home.export(key)
        try await PodFixture.with(seeded: false) { fixture in
            let signature = try home.sign(BuildProducts.image("busybox"), with: key)
            let trusted = try await rkt(
                fixture, ["trust", "--prefix=example.com/busy", "--skip-fingerprint-review", publicKey.string])
            #expect(trusted.status == 0)
            let outcome = try await rkt(
                fixture, ["--debug", "fetch", BuildProducts.image("busybox").string, "--signature", signature.string])
            #expect(outcome.status == 254)
            #expect(outcome.error.contains("└─openpgp: signature made by unknown entity"))
            #expect(outcome.error.contains("rkt trust --prefix=example.com/busybox"))
        }
    }
}
