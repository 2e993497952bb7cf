// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The keys that images may be signed with, each for a prefix of image names or for all of them.
///
/// They lie in `trustedkeys/root.d/FINGERPRINT` and `trustedkeys/prefix.d/PREFIX/FINGERPRINT` below the configuration
/// directories. A file hides one of the same path in an earlier directory, and an empty file is no key: this is how a
/// key of the distribution is disabled.
package struct Keystore: Sendable {
    /// The configuration directories: the system's, the host's, the user's if there is one.
    package let directories: [FilePath]

    /// Bytes that a file with keys may have.
    package static let fileLimit = 1 << 20
    /// Keys that are looked at for one image.
    static let keyLimit = 256

    /// - Parameter directories: a later one goes before an earlier one.
    package init(directories: [FilePath]) {
        self.directories = directories
    }

    /// A key of the store.
    package struct Entry: Sendable, Hashable {
        package let fingerprint: KeyFingerprint
        package let scope: KeyScope
        package let path: FilePath
    }

    /// Whether a signature of an image with this name could be accepted.
    package func hasKeys(for name: ACIdentifier) throws -> Bool { try !entries(for: name).isEmpty }

    /// The keys that may sign images of a name.
    ///
    /// - Throws: also when a directory cannot be read, for it may disable a key.
    package func entries(for name: ACIdentifier) throws -> [Entry] {
        let entries = try KeyScope.containing(name).flatMap(entries(of:))
        guard entries.count <= Keystore.keyLimit else {
            throw RuntimeError(
                .invalidArgument,
                "there are \(entries.count) trusted keys for images named \(name), at most \(Keystore.keyLimit) are "
                    + "looked at; remove some below \(entries[0].path.removingLastComponent())")
        }
        return entries
    }

    /// The keys of one scope, sorted by fingerprint.
    package func entries(of scope: KeyScope) throws -> [Entry] {
        guard let relative = scope.directory else { return [] }
        var found: [KeyFingerprint: Entry] = [:]
        for configuration in directories {
            let directory = configuration.appending("trustedkeys").pushing(relative)
            var isDisabled: Set<KeyFingerprint> = []
            for name in try names(in: directory) {
                // Deeper prefixes are directories.
                guard let fingerprint = KeyFingerprint(name),
                    let status = try? FileSystem.status(directory.appending(name), followSymbolicLink: true),
                    status.type != .directory
                else { continue }
                if status.size == 0 { isDisabled.insert(fingerprint) }
                found[fingerprint] = Entry(
                    fingerprint: fingerprint, scope: scope, path: directory.appending(name))
            }
            for fingerprint in isDisabled { found[fingerprint] = nil }
        }
        return found.values.sorted { $0.fingerprint < $1.fingerprint }
    }

    private func names(in directory: FilePath) throws -> [String] {
        do {
            return try FileSystem.list(directory)
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        } catch let error as RuntimeError where error.code == .permissionDenied {
            throw RuntimeError(
                .permissionDenied,
                "the trusted keys in \(directory) cannot be read, and they may disable others; "
                    + "give this user the right to read them", cause: error)
        }
    }
}

extension Keystore.Entry {
    /// What the file holds.
    func read() throws -> [UInt8] {
        let file: FileDescriptor
        do {
            // A fifo must not keep anybody waiting.
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        guard try FileSystem.status(of: file).type == .regular else {
            throw RuntimeError(.invalidArgument, "\(path) is not a regular file")
        }
        return try FileSystem.read(file, path, limit: Keystore.fileLimit)
    }
}
