// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What was configured when a pod was made is left in its directory, and counts for it from then on.
extension ConfigurationKind {
    /// Reads what was left for one pod. A pod that has no such file is one that nothing was configured for.
    package init(pod file: FilePath) throws {
        self.init()
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(file, limit: ConfigurationPlace.sizeLimit)
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
        let document = try ConfigurationDocument(parsing: bytes, path: file)
        _ = try HostConfiguration.kind(of: document, in: Self.directory)
        try add(document)
    }

    /// Leaves it for one pod, as one configuration file.
    package func write(pod file: FilePath) throws {
        let document = HostConfiguration.document(Self.self, entries.first ?? JSONObject())
        try FileSystem.writeAtomically(Array(document.encoded().utf8), to: file)
    }
}
