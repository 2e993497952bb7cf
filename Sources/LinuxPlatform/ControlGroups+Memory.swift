// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// What control groups say of memory (cgroup-v2.rst, "Memory"; cgroup-v1/memory.rst).
extension ControlGroups {
    /// Bytes that the calling process may use together with all others of its group; nil without a limit.
    package static func memoryLimitOfCaller() -> Int64? {
        guard let (mounts, groups) = textsOfCaller() else { return nil }
        return memoryLimit(mounts: mounts, groups: groups) { try? FileSystem.readText($0, limit: 4096) }
    }

    /// The smallest limit of a group and of those above it.
    ///
    /// - Parameters:
    ///   - mounts: text of `/proc/self/mountinfo` (proc(5)).
    ///   - groups: text of `/proc/self/cgroup` (cgroups(7)).
    ///   - read: the text of a file of control groups.
    package static func memoryLimit(mounts: String, groups: String, read: (FilePath) -> String?) -> Int64? {
        guard let (group, isUnified) = memoryGroup(mounts: mounts, groups: groups) else { return nil }
        let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
        var directory = group
        var limits: [Int64] = []
        for _ in 0..<mostLevels where !directory.components.isEmpty {
            // The word for no limit is no number.
            let text = read(directory.appending(file)) ?? ""
            if let limit = Int64(text.filter { !$0.isWhitespace }), limit < unlimited { limits.append(limit) }
            directory.removeLastComponent()
        }
        return limits.min()
    }

    /// How many processes of the calling process's group the kernel has killed for lack of memory.
    package static func memoryKillsOfCaller() -> Int {
        guard let (mounts, groups) = textsOfCaller(),
            let (group, isUnified) = memoryGroup(mounts: mounts, groups: groups),
            let text = try? FileSystem.readText(
                group.appending(isUnified ? "memory.events" : "memory.oom_control"), limit: 4096)
        else { return 0 }
        return memoryKills(text)
    }

    /// - Parameter events: text of `memory.events`, or of `memory.oom_control` (version 1, Linux 4.13).
    package static func memoryKills(_ events: String) -> Int {
        let line = events.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
        return line.flatMap { Int($0.dropFirst("oom_kill ".count)) } ?? 0
    }

    /// Groups above a group that are looked at.
    private static let mostLevels = 64
    /// Version 1 has a number for no limit, which depends on the size of pages.
    private static let unlimited: Int64 = 1 << 62

    /// The group that limits memory: one of version 1, where a hierarchy of that version has the controller.
    private static func memoryGroup(mounts: String, groups: String) -> (directory: FilePath, isUnified: Bool)? {
        var unified: FilePath?
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let directory = hierarchies(mounts: mounts, groups: String(line)).first
            if parts[1].split(separator: ",").contains("memory") { return directory.map { ($0, false) } }
            if parts[1].isEmpty { unified = directory }
        }
        return unified.map { ($0, true) }
    }

    private static func textsOfCaller() -> (mounts: String, groups: String)? {
        guard let mounts = try? FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20),
            let groups = try? FileSystem.readText("/proc/self/cgroup", limit: 1 << 20)
        else { return nil }
        return (mounts, groups)
    }
}
