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

    package init(directories: [FilePath]) {
        self.directories = directories
    }

    /// Groups of a name, below those that the calling process is in.
    package init(named name: String) throws {
        directories = Self.hierarchies(
            mounts: try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            groups: try FileSystem.readText("/proc/self/cgroup", limit: 1 << 20)
        ).map { $0.appending(name) }
    }

    /// The controllers that hold for groups made below those that the calling process is in.
    package static func controllersBelow() throws -> Set<String> {
        controllersBelow(
            mounts: try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            groups: try FileSystem.readText("/proc/self/cgroup", limit: 1 << 20)
        ) { try? FileSystem.readText($0, limit: 4096) }
    }

    /// All of a hierarchy of version 1, and of version 2 those that the process's own group passes on.
    ///
    /// - Parameters:
    ///   - mounts: text of `/proc/self/mountinfo` (proc(5)).
    ///   - groups: text of `/proc/self/cgroup` (cgroups(7)).
    ///   - read: the text of a file of control groups.
    package static func controllersBelow(
        mounts: String, groups: String, read: (FilePath) -> String?
    ) -> Set<String> {
        var found: Set<String> = []
        for line in groups.split(separator: "\n") {
            guard let directory = hierarchies(mounts: mounts, groups: String(line)).first else { continue }
            let controllers = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)[1]
            if controllers.isEmpty {
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

    /// Makes the directories; each that is there already is refused.
    package func make() throws {
        for directory in directories {
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

    /// Removes the directories and those below them, which their processes have left. Safe to repeat.
    ///
    /// - Parameter deadline: until when processes that have been killed may still be there.
    /// - Returns: those that still have processes.
    @discardableResult
    package func remove(deadline: Int = Clock.milliseconds + 2000) -> [FilePath] {
        directories.filter { directory in
            while !Self.removeTree(directory) {
                guard Clock.milliseconds < deadline else { return true }
                usleep(5000)
            }
            return false
        }
    }

    private static func removeTree(_ directory: FilePath) -> Bool {
        for name in (try? FileSystem.list(directory)) ?? [] {
            let child = directory.appending(name)
            guard (try? FileSystem.status(child).type) == .directory else { continue }
            if !removeTree(child) { return false }
        }
        return rmdir(directory.string) == 0 || lastErrno == .noSuchFileOrDirectory
    }

    private static func write(_ text: String, to path: FilePath) throws {
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
