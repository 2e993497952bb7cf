// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import LinuxPlatform
import SignatureTrust
import SystemPackage
import TestSupport
import Testing

@Suite(.requires("gpg"), .timeLimit(.minutes(5)))
struct VerificationTests {
    private let home: SigningHome
    private let scratch: ScratchDirectory
    private let image: FilePath
    private let contents = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    init() throws {
        home = try SigningHome()
        scratch = try ScratchDirectory()
        image = scratch.appending("image.aci")
        try FileSystem.write(contents, to: image)
    }

    private var store: Keystore { Keystore(directories: [scratch.appending("system"), scratch.appending("local")]) }

    /// Trusts the keys of a file.
    private func trust(_ file: FilePath, _ scope: KeyScope = .prefix("example.com/app")) throws {
        for key in try KeyFile.read(FileSystem.read(file), name: file.string) {
            try Keystore.add(key, for: scope, in: scratch.appending("local"))
        }
    }

    private func verify(_ signature: FilePath, of name: ACIdentifier = "example.com/app") throws -> Signer {
        try verify(DetachedSignature(FileSystem.read(signature), name: signature.string), of: name)
    }

    private func verify(_ signature: DetachedSignature, of name: ACIdentifier = "example.com/app") throws -> Signer {
        let file = try FileDescriptor.open(image, .readOnly)
        defer { try? file.close() }
        // Whatever has been read of it before.
        try file.seek(offset: 1000, from: .start)
        return try store.verify(image: file, called: image.string, signature: signature, of: name)
    }

    /// What the refusal of a signature says.
    private func refusal(_ signature: FilePath, of name: ACIdentifier = "example.com/app") -> String {
        let error = #expect(throws: RuntimeError.self) { try verify(signature, of: name) }
        #expect(error?.code == .untrusted)
        #expect(error?.message.contains("--insecure-options=image") == true)
        #expect(error?.message.contains(image.string) == true)
        return error?.description ?? ""
    }

    @Test(arguments: ["ed25519", "rsa3072", "nistp256"])
    func `a good signature tells who signed what`(algorithm: String) throws {
        let key = try home.makeKey("Carly <carly@example.com>", algorithm)
        try trust(home.export(key))
        let signer = try verify(home.sign(image, with: key))
        #expect(signer.key.fingerprint.string == key)
        #expect(signer.signingFingerprint.string == key)
        #expect(signer.names == ["Carly <carly@example.com>"])
        #expect(signer.imageDigest == Array(SHA256.hash(data: contents)))
        #expect(signer.entry.scope == .prefix("example.com/app"))
        #expect(try verify(home.sign(image, with: key, armored: false)).key.fingerprint.string == key)
    }

    @Test func `a subkey signs for its key`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        try home.addSubkey(to: key)
        try trust(home.export(key))
        let signer = try verify(home.sign(image, with: key))
        #expect(signer.key.fingerprint.string == key)
        #expect(signer.signingFingerprint.string != key)
    }

    @Test func `one changed byte, another key and another name are refused`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        let stranger = try home.makeKey("Mallory <mallory@example.com>")
        try trust(home.export(key))
        let signature = try home.sign(image, with: key)
        #expect(try verify(signature).key.fingerprint.string == key)

        for name in ["example.com/application", "example.com", "other.com/app"] as [ACIdentifier] {
            let text = refusal(signature, of: name)
            #expect(text.contains("openpgp: signature made by unknown entity"))
            #expect(text.contains("rkt trust --prefix=\(name)"))
            #expect(text.contains(key))
        }
        #expect(try verify(signature, of: "example.com/app/web").key.fingerprint.string == key)
        let other = refusal(try home.sign(image, with: stranger))
        #expect(other.contains(stranger) && other.contains("openpgp: signature made by unknown entity"))

        // Both have signed: one of them is enough.
        let both = scratch.appending("both")
        let first = try home.sign(image, with: stranger, armored: false)
        let second = try home.sign(image, with: key, armored: false)
        try FileSystem.write(FileSystem.read(first) + FileSystem.read(second), to: both)
        #expect(try verify(both).key.fingerprint.string == key)

        var changed = contents
        changed[200_000] ^= 1
        try FileSystem.write(changed, to: image)
        let text = refusal(signature)
        #expect(text.contains("its bytes are not those that key \(key)"))
        #expect(refusal(both).contains("its bytes are not those"))
    }

    @Test func `a disabled key verifies nothing`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        try trust(home.export(key), .root)
        let signature = try home.sign(image, with: key)
        #expect(try verify(signature).entry.scope == .root)
        let file = scratch.appending("local").pushing(FilePath("trustedkeys/root.d/\(key)"))
        try FileSystem.write([], to: file)
        #expect(refusal(signature).contains("unknown entity"))
    }

    @Test func `a key file must hold the key that it is named after`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        let directory = scratch.appending("local").pushing("trustedkeys/root.d")
        try FileSystem.makeDirectories(directory)
        let wrong = directory.appending(String(repeating: "0", count: 40))
        try FileSystem.write(FileSystem.read(home.export(key)), to: wrong)
        let signature = try home.sign(image, with: key)
        #expect(refusal(signature).contains("\(wrong) does not hold the key"))
        try FileSystem.write("nonsense".utf8, to: wrong)
        #expect(refusal(signature).contains("\(wrong): "))
        // It does not keep another one from being used.
        try trust(home.export(key))
        #expect(try verify(signature).key.fingerprint.string == key)
    }

    @Test func `what has expired or was revoked is refused`() throws {
        let expired = try home.makeKey("Old <old@example.com>", expiry: "1y", time: "20200101T000000")
        let expiredSignature = try home.sign(image, with: expired, ["--faked-system-time", "20200201T000000"])
        let key = try home.makeKey("Carly <carly@example.com>", time: "20200101T000000")
        let old = try home.sign(
            image, with: key, ["--faked-system-time", "20200201T000000", "--default-sig-expire", "10d"])
        let revoked = try home.makeKey("Gone <gone@example.com>")
        let revokedSignature = try home.sign(image, with: revoked)
        try trust(home.export(expired, key, revoked))
        #expect(try verify(revokedSignature).key.fingerprint.string == revoked)
        try home.revoke(revoked)
        try trust(home.export(revoked))

        #expect(refusal(expiredSignature).contains("key \(expired) (Old <old@example.com>) has expired"))
        #expect(refusal(old).contains("its signature by key \(key) (Carly <carly@example.com>) has expired"))
        #expect(refusal(revokedSignature).contains("key \(revoked) is revoked"))
        #expect(try verify(home.sign(image, with: key)).key.fingerprint.string == key)
    }

    @Test func `weak keys and digests are refused`() throws {
        let weak = try home.makeKey("Weak <weak@example.com>", "rsa1024")
        let key = try home.makeKey("Carly <carly@example.com>", "rsa2048")
        try trust(home.export(weak, key))
        #expect(try refusal(home.sign(image, with: weak)).contains("is weak: RSA with 1024 bits"))
        for digest in ["SHA1", "RIPEMD160"] {
            let text = refusal(try home.sign(image, with: key, ["--digest-algo", digest]))
            #expect(text.contains("is weak: it signs a digest of"), "\(text)")
        }
        #expect(try verify(home.sign(image, with: key, ["--digest-algo", "SHA256"])).key.fingerprint.string == key)
    }

    @Test func `nothing but detached signatures is taken for one`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        try trust(home.export(key))
        // Messages with a good signature of something else.
        let other = scratch.appending("other")
        try FileSystem.write("other".utf8, to: other)
        var files: [FilePath] = []
        for (index, form) in [["--armor", "--sign"], ["--sign"], ["--clear-sign"], ["--store"]].enumerated() {
            files.append(scratch.appending("message-\(index)"))
            try home.gpg(["--local-user", key, "--output", files[index].string] + form + [other.string])
        }
        let good = try FileSystem.read(home.sign(image, with: key, armored: false))
        let message = try FileSystem.read(files[1])
        let garbage: [[UInt8]] = [
            [], Array("garbage\n".utf8), [UInt8](repeating: 0xff, count: 500), [UInt8](repeating: 0, count: 10),
            Array(good.dropLast()), good + [0], good + message, message + good,
            Array("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n".utf8),
            Array("-----BEGIN PGP SIGNATURE-----\n\n!!!!\n-----END PGP SIGNATURE-----\n".utf8),
            [UInt8](repeating: 0x20, count: DetachedSignature.limit + 1),
        ]
        for bytes in try garbage + files.map({ try FileSystem.read($0) }) {
            let error = #expect(throws: RuntimeError.self) { try DetachedSignature(bytes, name: "signature.asc") }
            #expect(error?.code == .untrusted)
            #expect(error?.message.contains("signature.asc") == true)
        }
        // A packet that has the form of a signature and means nothing.
        let nonsense = try DetachedSignature([0x88, 0x04, 9, 9, 9, 9], name: "nonsense")
        let error = #expect(throws: RuntimeError.self) { try verify(nonsense) }
        #expect(error?.code == .untrusted)
    }

    @Test func `an oversized signature file is not read to its end`() throws {
        let large = scratch.appending("large.asc")
        try FileSystem.write(repeatElement(0x20, count: 1 << 20), to: large)
        let file = try FileDescriptor.open(large, .readOnly)
        defer { try? file.close() }
        let error = #expect(throws: RuntimeError.self) {
            try DetachedSignature(reading: file, name: large.string)
        }
        #expect(error?.code == .untrusted)
        #expect(error?.description.contains("larger than 65536 bytes") == true)
    }
}
