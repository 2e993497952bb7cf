// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// The inputs that fuzzing has kept: each reached code that no other did, or broke something once.
package enum FuzzCorpus {
    /// The files below `fuzz/corpus` for one target, by name.
    package static func inputs(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let directory = FilePath(#filePath).removingLastComponent().appending("../../fuzz/corpus/\(target)")
            .lexicallyNormalized()
        return try FileSystem.list(directory).map { name in
            (name, try FileSystem.read(directory.appending(name), limit: 1 << 20))
        }
    }
}
