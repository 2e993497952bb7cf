// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// The control groups of one set of processes: a directory in every hierarchy of the host (cgroups(7)), of version 1,
/// version 2 or both.
package struct ControlGroups: Sendable, Equatable {
    /// One for each hierarchy.
    package let directories: [FilePath]
    /// The group of version 2 that one of them is to be made in, together with groups for those who are in it.
    private let delegated: DelegatedGroup?

    package init(directories: [FilePath]) {
        self.directories = directories
        delegated = nil
    }

    /// Groups of a name, below those that the calling process is in.
    package init(named name: String) throws {
        self.init(directories: try Self.ofCaller().map { $0.appending(name) })
    }

    /// Groups of a name for a machine of the calling process: in a delegated group beside that process, otherwise below
    /// those that it is in.
    package init(forMachine name: String) throws {
        self.init(forMachine: name, own: try Self.ofCaller(), delegated: DelegatedGroup.ofCaller())
    }

    /// - Parameters:
    ///   - own: the directories of the process's own groups.
    ///   - delegated: the one of them that it may divide, or the group above one.
    package init(forMachine name: String, own: [FilePath], delegated: DelegatedGroup?) {
        directories = own.map { directory in
            let isBelow = delegated.map { directory.starts(with: $0.directory) } ?? false
            return (isBelow ? delegated?.directory ?? directory : directory).appending(name)
        }
        self.delegated = delegated
    }

    /// The directories of the calling process's own groups.
    private static func ofCaller() throws -> [FilePath] {
        hierarchies(
            mounts: try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            groups: try FileSystem.readText("/proc/self/cgroup", limit: 1 << 20))
    }

    /// The calling process's group of version 2; nil where there is none.
    package static func unifiedOfCaller() -> FilePath? {
        guard let mounts = try? FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            let groups = try? FileSystem.readText("/proc/self/cgroup", limit: 1 << 20),
            let unified = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
        else { return nil }
        return hierarchies(mounts: mounts, groups: String(unified)).first
    }

    /// The controllers that hold for groups made for a machine of the calling process, or of another in its groups.
    package static func controllersBelow(_ owner: Int32 = getpid()) throws -> Set<String> {
        controllersBelow(
            mounts: try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            groups: try FileSystem.readText("/proc/self/cgroup", limit: 1 << 20),
            delegated: DelegatedGroup.ofCaller(for: owner)
        ) { try? FileSystem.readText($0, limit: 4096) }
    }

    /// All of a hierarchy of version 1, and of version 2 those that the process's own group passes on, or can be made to.
    ///
    /// - Parameters:
    ///   - mounts: text of `/proc/self/mountinfo` (proc(5)).
    ///   - groups: text of `/proc/self/cgroup` (cgroups(7)).
    ///   - delegated: the group of version 2 that is the process's to divide.
    ///   - read: the text of a file of control groups.
    package static func controllersBelow(
        mounts: String, groups: String, delegated: DelegatedGroup? = nil, read: (FilePath) -> String?
    ) -> Set<String> {
        var found: Set<String> = []
        for line in groups.split(separator: "\n") {
            guard let directory = hierarchies(mounts: mounts, groups: String(line)).first else { continue }
            let controllers = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)[1]
            if controllers.isEmpty {
                found.formUnion(delegated?.controllers ?? [])
                let passedOn = read(directory.appending("cgroup.subtree_control")) ?? ""
                found.formUnion(passedOn.split(whereSeparator: \.isWhitespace).map(String.init))
            } else {
                found.formUnion(controllers.split(separator: ",").map(String.init))
            }
        }
        return found
    }

    /// The directories of a process's own groups.
    ///
    /// - Parameters:
    ///   - mounts: text of `/proc/self/mountinfo` (proc(5)).
    ///   - groups: text of `/proc/self/cgroup` (cgroups(7)).
    package static func hierarchies(mounts: String, groups: String) -> [FilePath] {
        let own = groups.split(separator: "\n").map { line in
            line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        }
        var found: [FilePath] = []
        var hierarchies: Set<String> = []
        for line in mounts.split(separator: "\n") {
            let parts = line.components(separatedBy: " - ")
            let mount = parts[0].split(separator: " ").map(String.init)
            guard parts.count == 2, mount.count > 4 else { continue }
            let system = parts[1].split(separator: " ").map(String.init)
            guard system.count > 2, let group = own.first(where: { $0.count == 3 && isOf(system, controllers: $0[1]) })
            else { continue }
            // What is mounted may be a part of the hierarchy.
            let root = FilePath(mount[3])
            var path = FilePath(group[2])
            guard path.removePrefix(root) else { continue }
            // One hierarchy can be mounted at several places, and they all show the same groups.
            guard hierarchies.insert(group[0]).inserted else { continue }
            found.append(FilePath(mount[4]).pushing(path))
        }
        return found
    }

    /// - Parameters:
    ///   - system: type, source and options of a mount.
    ///   - controllers: of a group, empty for version 2.
    private static func isOf(_ system: [String], controllers: String) -> Bool {
        switch system[0] {
        case "cgroup2": return controllers.isEmpty
        case "cgroup":
            let options = Set(system[2].split(separator: ",").map(String.init))
            return !controllers.isEmpty && controllers.split(separator: ",").allSatisfy { options.contains(String($0)) }
        default: return false
        }
    }

    /// Makes the directories; each that is there already is refused. Where one divides a delegated group, the calling
    /// process and those that it has started move.
    package func make() throws {
        for directory in directories {
            if let delegated, directory.removingLastComponent() == delegated.directory {
                try delegated.make(directory)
                continue
            }
            try FileSystem.makeDirectory(directory)
            // A group of version 1 without processors or memory nodes takes no process (cpusets.rst).
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let path = directory.appending(file)
                guard let value = try? FileSystem.readText(path, limit: 4096), value.allSatisfy(\.isWhitespace) else {
                    continue
                }
                let above = try FileSystem.readText(directory.removingLastComponent().appending(file), limit: 4096)
                try? Self.write(above, to: path)
            }
        }
    }

    /// The directories of the groups that a machine's processes join.
    package var joined: [FilePath] {
        directories.map { directory in
            let isDivided = delegated.map { directory.removingLastComponent() == $0.directory } ?? false
            return isDivided ? DelegatedGroup.machine(in: directory) : directory
        }
    }

    /// Lets a user make groups below those that processes of the machine join, and move processes between them. Limits of those groups
    /// stay those of the host.
    package func delegate(to user: UInt32) throws {
        for directory in joined {
            // Of version 1 and 2; each hierarchy has some of them (cgroups(7)).
            for file in ["", "cgroup.procs", "tasks", "cgroup.threads", "cgroup.subtree_control"] {
                let path = file.isEmpty ? directory : directory.appending(file)
                guard chown(path.string, user, user) != 0, lastErrno != .noSuchFileOrDirectory else { continue }
                throw RuntimeError.systemCall("chown", path, lastErrno)
            }
        }
    }

    /// Removes the directories and those below them, which their processes have left. Safe to repeat.
    ///
    /// - Parameters:
    ///   - deadline: until when processes that have been killed may still be there.
    ///   - kept: a directory that stays, with those above it.
    /// - Returns: those that still have processes.
    @discardableResult
    package func remove(deadline: Int = Clock.milliseconds + 2000, keeping kept: FilePath? = nil) -> [FilePath] {
        directories.filter { directory in
            while !Self.removeTree(directory, keeping: kept) {
                guard Clock.milliseconds < deadline else { return true }
                usleep(5000)
            }
            return false
        }
    }

    private static func removeTree(_ directory: FilePath, keeping kept: FilePath?) -> Bool {
        for name in (try? FileSystem.list(directory)) ?? [] {
            let child = directory.appending(name)
            guard (try? FileSystem.status(child).type) == .directory else { continue }
            if !removeTree(child, keeping: kept) { return false }
        }
        if kept?.starts(with: directory) == true { return true }
        return rmdir(directory.string) == 0 || lastErrno == .noSuchFileOrDirectory
    }

    static func write(_ text: String, to path: FilePath) throws {
        let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
        defer { try? file.close() }
        try FileSystem.writeAll(Array(text.utf8), to: file, path)
    }
}

extension Substring {
    /// The parts between occurrences of a text.
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        guard let range = firstRange(of: separator) else { return [self] }
        return [self[..<range.lowerBound]] + self[range.upperBound...].components(separatedBy: separator)
    }
}
