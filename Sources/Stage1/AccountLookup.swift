// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Finds the numbers behind an app's user and group, in the files of its own root and nowhere else.
///
/// Rules of the App Container specification: a path means its owner, then a name of the image's passwd or group file,
/// then a number.
package struct AccountLookup {
    /// The app's root directory on the host. What it holds is the image's: links are resolved inside it.
    package let root: FilePath

    /// The ids that files of the root are shown with; nil when they are shown with their own.
    private let users: UserRange?

    package init(root: FilePath, users: UserRange? = nil) {
        self.root = root
        self.users = users
    }

    package func uid(of user: String) throws -> UInt32 {
        if user.hasPrefix("/") { return try inside(owner(of: user).uid, user) }
        if let entry = try entry(named: user, in: "/etc/passwd", fields: 7) { return entry }
        if let number = UInt32(user) { return number }
        if user == "root" { return 0 }
        throw RuntimeError(.notFound, "\"\(user)\" user not found")
    }

    package func gid(of group: String) throws -> UInt32 {
        if group.hasPrefix("/") { return try inside(owner(of: group).gid, group) }
        if let entry = try entry(named: group, in: "/etc/group", fields: 4) { return entry }
        if let number = UInt32(group) { return number }
        if group == "root" { return 0 }
        throw RuntimeError(.notFound, "\"\(group)\" group not found")
    }

    private func inside(_ id: UInt32, _ path: String) throws -> UInt32 {
        guard let users else { return id }
        guard let id = users.inside(id) else {
            throw RuntimeError(
                .unsupported,
                "\(path) belongs to an id that a pod with --private-users does not have, as it is not below \(users.count)"
            )
        }
        return id
    }

    private func owner(of path: String) throws -> FileStatus {
        let file = try FileSystem.openInRoot(root, FilePath(path), flags: O_PATH | O_NOFOLLOW)
        defer { try? file.close() }
        return try FileSystem.status(of: file)
    }

    /// The third field of the line whose first field is the name (passwd(5), group(5)).
    private func entry(named name: String, in path: FilePath, fields: Int) throws -> UInt32? {
        let found: FileDescriptor
        do {
            found = try FileSystem.openInRoot(root, path, flags: O_PATH)
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
        defer { try? found.close() }
        // An image may hold device nodes of the host's kernel: opening one for reading can have effects.
        guard try FileSystem.status(of: found).type == .regular else { return nil }
        let file = try FileDescriptor.open("/proc/self/fd/\(found.rawValue)", .readOnly, options: [.closeOnExec])
        defer { try? file.close() }
        let text = String(decoding: try FileSystem.read(file, path, limit: 4 << 20), as: UTF8.self)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == fields, parts[0] == name else { continue }
            guard let number = UInt32(parts[2]) else {
                throw RuntimeError(.invalidArgument, "\(path) of the image has no number for \"\(name)\"")
            }
            return number
        }
        return nil
    }

    private var O_PATH: Int32 { 0o10000000 }
}
