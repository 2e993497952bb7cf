// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// A control group of version 2 that is the caller's to divide, and has controllers.
///
/// Such a group passes controllers on only when it holds no process itself (cgroup-v2.rst, "No Internal Process
/// Constraint"), so those that are in it move out. That is done only where all of them are the caller's own, and where
/// systemd leaves the group alone: it marks groups of units with `Delegate=yes` (systemd.resource-control(5)).
package struct DelegatedGroup: Sendable, Equatable {
    package let directory: FilePath
    /// Those that it can pass on.
    package let controllers: [String]
    /// The caller, where it is in the group, and processes it has started.
    package let residents: [Int32]

    package init(directory: FilePath, controllers: [String], residents: [Int32]) {
        self.directory = directory
        self.controllers = controllers
        self.residents = residents
    }

    /// What is asked of the host.
    package struct Host {
        /// The text of a file; nil when it cannot be read.
        package var read: (FilePath) -> String?
        /// Whether a group is marked as delegated.
        package var isMarked: (FilePath) -> Bool
        /// The parent of a process.
        package var parent: (Int32) -> Int32?
        /// Whether systemd manages the groups.
        package var hasSystemd: Bool

        package init(
            read: @escaping (FilePath) -> String?, isMarked: @escaping (FilePath) -> Bool,
            parent: @escaping (Int32) -> Int32?, hasSystemd: Bool
        ) {
            self.read = read
            self.isMarked = isMarked
            self.parent = parent
            self.hasSystemd = hasSystemd
        }
    }

    /// The one that the calling process is in, or is below of; nil when that is not its own to divide.
    ///
    /// - Parameter owner: in place of the caller, the process that has started it.
    package static func ofCaller(for owner: Int32 = getpid()) -> DelegatedGroup? {
        guard let group = ControlGroups.unifiedOfCaller() else { return nil }
        return find(from: group, process: owner, host: .this)
    }

    /// - Parameters:
    ///   - group: the directory of a process's group of version 2.
    ///   - process: that process.
    package static func find(from group: FilePath, process: Int32, host: Host) -> DelegatedGroup? {
        // The root of the hierarchy has no type, and needs none of this.
        func controllers(of directory: FilePath) -> [String]? {
            guard host.read(directory.appending("cgroup.type"))?.isLine("domain") == true,
                let text = host.read(directory.appending("cgroup.controllers"))
            else { return nil }
            let names = text.split(whereSeparator: \.isWhitespace).map(String.init)
            return names.isEmpty ? nil : names
        }
        func residents(of directory: FilePath) -> [Int32]? {
            guard let text = host.read(directory.appending("cgroup.procs")) else { return nil }
            let numbers = text.split(whereSeparator: \.isWhitespace).map { Int32($0) ?? 0 }
            return numbers.allSatisfy { isOwn($0, of: process, host) } ? numbers : nil
        }
        if host.isMarked(group) || !host.hasSystemd {
            guard let names = controllers(of: group), let numbers = residents(of: group), numbers.contains(process)
            else { return nil }
            return DelegatedGroup(directory: group, controllers: names, residents: numbers)
        }
        // DelegateSubgroup= has put the process below the unit's group.
        let above = group.removingLastComponent()
        guard host.isMarked(above), let names = controllers(of: above), residents(of: above) == [] else { return nil }
        return DelegatedGroup(directory: above, controllers: names, residents: [])
    }

    /// Whether a process is another, or descends from it.
    private static func isOwn(_ process: Int32, of ancestor: Int32, _ host: Host) -> Bool {
        var current = process
        for _ in 0..<mostGenerations {
            guard current > 1 || current == ancestor else { return false }
            if current == ancestor { return true }
            guard let parent = host.parent(current) else { return false }
            current = parent
        }
        return false
    }

    private static let mostGenerations = 64

    /// Where processes go that a new group of a machine is made for.
    static func machine(in group: FilePath) -> FilePath { group.appending("machine") }

    /// Makes a group below this one, with one for a machine's processes in it, which gets all controllers. The caller's
    /// own processes move beside that.
    func make(_ group: FilePath) throws {
        try FileSystem.makeDirectory(group)
        if !residents.isEmpty {
            let leaf = group.appending("supervisor")
            try FileSystem.makeDirectory(leaf)
            for process in residents {
                do {
                    try ControlGroups.write("\(process)", to: leaf.appending("cgroup.procs"))
                } catch  where process != getpid() && kill(process, 0) != 0 {
                    // It has ended meanwhile.
                }
            }
        }
        try passOn(from: directory)
        try passOn(from: group)
        try FileSystem.makeDirectory(Self.machine(in: group))
    }

    private func passOn(from directory: FilePath) throws {
        do {
            try ControlGroups.write(
                controllers.map { "+\($0)" }.joined(separator: " "), to: directory.appending("cgroup.subtree_control"))
        } catch {
            throw RuntimeError(
                .busy,
                "the control group \(directory) does not pass its controllers on; nothing but \"rkt run\" may be in it",
                cause: error)
        }
    }
}

extension DelegatedGroup.Host {
    /// The one that the process runs on.
    static var this: DelegatedGroup.Host {
        DelegatedGroup.Host(
            read: { try? FileSystem.readText($0, limit: 1 << 20) },
            isMarked: { group in
                // The second is for those who may not see the first.
                ["trusted.delegate", "user.delegate"].contains { name in
                    (try? ExtendedAttributes.value(name, of: group)) == Array("1".utf8)
                }
            },
            parent: { process in
                // The name, in parentheses, may hold anything (proc(5)).
                guard let text = try? FileSystem.readText(FilePath("/proc/\(process)/stat"), limit: 4096),
                    let end = text.lastIndex(of: ")")
                else { return nil }
                let fields = text[text.index(after: end)...].split(separator: " ")
                return fields.count > 1 ? Int32(fields[1]) : nil
            },
            // sd_booted(3)
            hasSystemd: FileSystem.exists("/run/systemd/system"))
    }
}

extension String {
    fileprivate func isLine(_ text: String) -> Bool { self == text || self == text + "\n" }
}
