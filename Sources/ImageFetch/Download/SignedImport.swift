// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import ImageStore
import LinuxPlatform
import SystemPackage

/// Puts an image file into the store once its signature and its name are right.
struct SignedImport {
    let store: ImageStore
    /// Nil when images need no signature.
    let verifier: (any ImageVerifier)?
    let note: @Sendable (String) -> Void
    /// Gets what a user should be told in any case.
    let tell: @Sendable (String) -> Void

    /// - Parameters:
    ///   - file: a regular file, at its beginning.
    ///   - name: what messages call the image.
    ///   - signature: gets the signature; called at most once.
    func image(
        from file: FileDescriptor, name: String, demand: ImageDemand = ImageDemand(), isLatest: Bool = false,
        signature: @escaping () throws -> [UInt8]
    ) throws -> StoredImage {
        guard let verifier else {
            tell(Fetcher.unverifiedWarning)
            let image = try store.importImage(from: file, name: name, isLatest: isLatest) { inspection in
                try demand.check(inspection.manifest, inspection.imageID, from: name)
            }
            try store.note(StoredSignature.skipped, of: image)
            return image
        }
        func verify(_ wanted: ACIdentifier) throws -> VerifiedImage {
            try verifier.prepareKeys(for: wanted)
            return try verifier.verify(file, called: name, signature: signature(), name: wanted)
        }
        // With a name to ask for, nothing that is not signed is even decompressed.
        let early = try demand.name.map { try verify($0.name) }
        guard lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw RuntimeError.systemCall("lseek", FilePath(name), Errno(rawValue: errno))
        }
        var fingerprint: String?
        let image = try store.importImage(from: file, name: name, isLatest: isLatest) { inspection in
            try demand.check(inspection.manifest, inspection.imageID, from: name)
            let verified = try early ?? verify(inspection.manifest.name)
            guard verified.digest == inspection.fileDigest else {
                throw RuntimeError(
                    .untrusted, "image \"\(name)\" is not verified: it changed while it was read; try again")
            }
            tell("signature verified:")
            for signer in verified.signers { tell("  \(signer)") }
            fingerprint = verified.fingerprint
        }
        try store.note(.verified(fingerprint: fingerprint), of: image)
        return image
    }
}
