// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A directory of configuration: that of the system, of the host, or of the user.
package struct ConfigurationPlace: Sendable, Equatable {
    package let path: FilePath
    /// Whether it is an error that the caller may not read it. It never is one that it does not exist.
    package let mustBeReadable: Bool

    package init(_ path: FilePath, mustBeReadable: Bool = true) {
        self.path = path
        self.mustBeReadable = mustBeReadable
    }

    /// The most a file may hold, and the most files a directory.
    static let sizeLimit = 1 << 20
    private static let countLimit = 4096

    /// The files of a subdirectory whose names end in `.json`, by name. Directories below it do not count.
    func documents(in directory: String) throws -> [ConfigurationDocument] {
        let directory = path.appending(directory)
        let names: [String]
        do {
            names = try FileSystem.list(directory).filter { $0.hasSuffix(".json") }
        } catch let error as RuntimeError where error.code == .notFound || isExcused(error) {
            return []
        }
        guard names.count <= ConfigurationPlace.countLimit else {
            throw RuntimeError(
                .invalidArgument,
                "\(directory) holds \(names.count) configuration files, \(ConfigurationPlace.countLimit) are allowed")
        }
        return try names.compactMap { name in
            let file = directory.appending(name)
            do {
                guard try FileSystem.status(file, followSymbolicLink: true).type == .regular else { return nil }
                let bytes = try FileSystem.read(file, limit: ConfigurationPlace.sizeLimit)
                return try ConfigurationDocument(parsing: bytes, path: file)
            } catch let error as RuntimeError where isExcused(error) {
                return nil
            }
        }
    }

    private func isExcused(_ error: RuntimeError) -> Bool { error.code == .permissionDenied && !mustBeReadable }
}
