// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import SystemPackage

/// What tells whether an image was signed by somebody who may sign images of its name.
package protocol ImageVerifier: Sendable {
    /// Checks a detached signature.
    ///
    /// - Parameters:
    ///   - image: a regular file, read from its beginning to its end.
    ///   - label: what messages call it.
    /// - Throws: `RuntimeError` with the code `untrusted` when the image must not be used.
    func verify(
        _ image: FileDescriptor, called label: String, signature: [UInt8], name: ACIdentifier
    ) throws -> VerifiedImage

    /// Makes sure that there are keys for a name, getting them from where its domain says if that is allowed.
    func prepareKeys(for name: ACIdentifier) throws
}

/// Who has signed an image.
package struct VerifiedImage: Sendable, Equatable {
    /// One line each.
    package let signers: [String]
    /// SHA-256 of the file that was looked at, for it may have changed since.
    package let digest: [UInt8]
    /// Of the key that made the signature.
    package let fingerprint: String?

    package init(signers: [String], digest: [UInt8], fingerprint: String? = nil) {
        self.signers = signers
        self.digest = digest
        self.fingerprint = fingerprint
    }
}

extension ImageVerifier {
    package func prepareKeys(for name: ACIdentifier) throws {}
}
