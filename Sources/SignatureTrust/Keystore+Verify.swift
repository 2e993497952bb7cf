// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

extension Keystore {
    /// Verifies the signature of an image file.
    ///
    /// One good signature by a key that is trusted for the image's name is enough, whatever other signatures there are.
    /// A key or signature that has expired or was revoked, a weak key and a weak hash are refused.
    ///
    /// - Parameters:
    ///   - image: a regular file, read from its first byte to its last; its offset stays.
    ///   - label: what messages call the image.
    ///   - name: from the image's own manifest.
    ///   - onRead: gets the size of each block read.
    /// - Returns: who has signed, with the digest of the bytes that were verified: the file may have changed since.
    /// - Throws: code `untrusted` for every refusal.
    package func verify(
        image: FileDescriptor, called label: String, signature: DetachedSignature, of name: ACIdentifier,
        onRead: ((Int) -> Void)? = nil
    ) throws -> Signer {
        let entries = try entries(for: name)
        return try GPGSession.with { session in
            var unusable: [String] = []
            for path in Set(entries.map(\.path)).sorted(by: { $0.string < $1.string }) {
                guard let entry = entries.first(where: { $0.path == path }) else { continue }
                do {
                    if let problem = try session.importKeys(entry.read()) { unusable.append("\(path): \(problem)") }
                } catch {
                    // The signature may be by another key.
                    unusable.append("\(error)")
                }
            }
            let keys = entries.isEmpty ? [] : try session.keys(limit: 16 * Keystore.keyLimit)
            for entry in entries where !keys.contains(where: { $0.fingerprint == entry.fingerprint }) {
                guard !unusable.contains(where: { $0.contains(entry.path.string) }) else { continue }
                unusable.append("\(entry.path) does not hold the key that it is named after")
            }
            let reader = GPGFileReader(image, onRead: onRead)
            let reports = try session.verify(signature.packets, of: reader)
            let judge = SignatureJudge(label: label, name: name, entries: entries, keys: keys, unusable: unusable)
            return try judge.signer(reports, signature: signature.name, digest: reader.digest)
        }
    }
}
