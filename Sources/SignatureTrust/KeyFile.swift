// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// One public key and the bytes to keep of it.
package struct KeyFile: Sendable, Equatable {
    package let key: PublicKey
    /// Armoured, with the key's own signatures and nobody else's.
    package let bytes: [UInt8]

    /// Reads the keys among some bytes, armoured or not. Several may follow each other.
    ///
    /// - Parameters:
    ///   - bytes: as they came from a file or a server.
    ///   - name: what messages call them.
    package static func read(_ bytes: [UInt8], name: String) throws -> [KeyFile] {
        guard bytes.count <= Keystore.fileLimit else {
            throw RuntimeError(.invalidArgument, "\(name) is larger than \(Keystore.fileLimit) bytes")
        }
        return try GPGSession.with { session in
            if let problem = try session.importKeys(bytes) {
                throw RuntimeError(.invalidArgument, "\(name) is not a file with public keys: \(problem)")
            }
            return try session.keys(limit: 64).map { key in
                KeyFile(key: key, bytes: try session.export(key.fingerprint, limit: Keystore.fileLimit))
            }
        }
    }
}
