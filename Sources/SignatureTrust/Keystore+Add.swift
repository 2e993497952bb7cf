// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

extension Keystore {
    /// Writes a key into a configuration directory.
    ///
    /// Files are readable by everybody (mode 0644), directories are as their parent where that lets a group in. A new
    /// configuration directory is the administrators', if there is such a group.
    ///
    /// - Returns: the key's file.
    @discardableResult
    package static func add(_ key: KeyFile, for scope: KeyScope, in configuration: FilePath) throws -> FilePath {
        let path = try Keystore.path(of: key.key.fingerprint, for: scope, in: configuration)
        let directory = path.removingLastComponent()
        do {
            try makeConfiguration(configuration)
            try makeDirectories(directory)
            try FileSystem.writeAtomically(key.bytes, to: path)
            try FileSystem.synchronize(directory)
        } catch let error as RuntimeError {
            throw RuntimeError(error.code, "key \(key.key.fingerprint) cannot be stored", cause: error)
        }
        return path
    }

    /// Where a key lies.
    ///
    /// - Throws: for a prefix that cannot be a path, such as `a/../b`.
    package static func path(
        of fingerprint: KeyFingerprint, for scope: KeyScope, in configuration: FilePath
    ) throws -> FilePath {
        guard let relative = scope.directory else {
            guard case .prefix(let prefix) = scope else {
                throw RuntimeError(.internal, "there is no directory for root keys")
            }
            throw RuntimeError(
                .invalidArgument, "prefix \"\(prefix)\" cannot hold keys: it has an empty part, or one of dots")
        }
        return configuration.appending("trustedkeys").pushing(relative).appending(fingerprint.string)
    }

    private static func makeConfiguration(_ path: FilePath) throws {
        guard !FileSystem.exists(path), geteuid() == 0,
            let group = SystemGroup.id(named: SystemGroup.administrators)
        else { return }
        try FileSystem.makeDirectories(path)
        guard chown(path.string, .max, group) == 0 else { throw RuntimeError.systemCall("chown", path, lastErrno) }
        guard chmod(path.string, 0o2775) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
    }

    /// The configuration directory may belong to a group that adds keys: directories in it do so, too.
    private static func makeDirectories(_ path: FilePath) throws {
        if FileSystem.exists(path) { return }
        let parent = path.removingLastComponent()
        guard !parent.isEmpty, parent != path else {
            return try FileSystem.makeDirectories(path)
        }
        try makeDirectories(parent)
        do {
            try FileSystem.makeDirectory(path)
        } catch let error as RuntimeError where error.code == .exists {
            return
        }
        let forGroup = try FileSystem.status(parent).mode & 0o2020
        guard forGroup == 0o2020 else { return }
        guard chmod(path.string, 0o2775) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
    }
}
