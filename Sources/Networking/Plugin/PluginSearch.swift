// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where plugins are looked for.
package struct PluginSearch: Sendable {
    /// In order; those that are not absolute are below `directory`.
    package let paths: [String]
    /// The pod's directory, in which plugins run.
    package let directory: FilePath

    package init(paths: [String], directory: FilePath) {
        self.paths = paths
        self.directory = directory
    }

    /// The value of `CNI_PATH`.
    var text: String { paths.joined(separator: ":") }

    /// The first executable file of a plugin's name.
    ///
    /// - Throws: code `notFound`.
    func find(_ type: String, network: String) throws -> FilePath {
        if let found = find(type) { return found }
        let places = paths.map { directory.pushing(FilePath($0)).string }.joined(separator: ", ")
        throw RuntimeError(
            .notFound,
            "plugin \"\(type)\" of network \"\(network)\" is not installed; install "
                + "containernetworking-plugins or put it where it is looked for: \(places)")
    }

    /// The first executable file of a plugin's name.
    func find(_ type: String) -> FilePath? {
        paths.lazy.map { directory.pushing(FilePath($0)).appending(type) }.first { candidate in
            guard let status = try? FileSystem.status(candidate, followSymbolicLink: true) else { return false }
            return status.type == .regular && access(candidate.string, X_OK) == 0
        }
    }
}
