// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The bytes of a detached signature: OpenPGP, armoured as the specification of images asks, or not.
package struct DetachedSignature: Sendable {
    /// Bytes that a signature may have; one of RSA with 4096 bits takes less than one kibibyte.
    package static let limit = 64 << 10

    /// What messages call it.
    package let name: String
    /// Its packets without armour.
    let packets: [UInt8]

    package init(_ bytes: [UInt8], name: String) throws {
        guard bytes.count <= DetachedSignature.limit else {
            throw RuntimeError(
                .untrusted, "signature \(name) is larger than \(DetachedSignature.limit) bytes; it cannot be one")
        }
        guard !bytes.isEmpty else { throw RuntimeError(.untrusted, "signature \(name) is empty; sign the image again") }
        guard let packets = SignaturePackets.read(bytes) else {
            throw RuntimeError(
                .untrusted, "\(name) is not a detached OpenPGP signature; make one with \"gpg --armor --detach-sign\"")
        }
        self.packets = packets
        self.name = name
    }

    /// Reads an open file from its offset to its end.
    package init(reading file: FileDescriptor, name: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(file, FilePath(name), limit: DetachedSignature.limit)
        } catch let error as RuntimeError where error.code == .invalidArgument {
            throw RuntimeError(.untrusted, "signature \(name) cannot be used", cause: error)
        }
        try self.init(bytes, name: name)
    }
}

/// Who has signed an image.
package struct Signer: Sendable, Equatable {
    package let key: PublicKey
    /// Of the primary key or subkey that made the signature.
    package let signingFingerprint: KeyFingerprint
    /// Why the key is trusted.
    package let entry: Keystore.Entry
    /// SHA-256 of the file's bytes that the signature is good for.
    package let imageDigest: [UInt8]

    /// Names and addresses; the fingerprint for a key without any.
    package var names: [String] { key.userIDs.isEmpty ? [key.fingerprint.string] : key.userIDs }
}
