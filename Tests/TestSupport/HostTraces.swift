// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// What the host has of pods: processes, mounts and directories.
package enum HostTraces {
    /// One line for each pod directory, unfinished import and mount below a data directory, and for each process that
    /// uses a file below it.
    package static func below(_ data: FilePath) throws -> [String] {
        var traces: [String] = []
        for phase in (try? FileSystem.list(data.appending("pods"))) ?? [] {
            for pod in try FileSystem.list(data.appending("pods").appending(phase)) {
                traces.append("directory \(phase)/\(pod)")
            }
        }
        for item in (try? FileSystem.list(data.appending("cas").appending("tmp"))) ?? [] {
            traces.append("temporary item \(item)")
        }
        for point in try Mount.points(beneath: data) { traces.append("mount \(point)") }
        return traces + processes(using: data)
    }

    /// The processes that use a file below a directory.
    package static func processes(using directory: FilePath) -> [String] {
        allProcesses().compactMap { process in
            let base = FilePath("/proc/\(process.pid)")
            var links = ["cwd", "root", "exe"].map { base.appending($0) }
            let descriptors = base.appending("fd")
            links += ((try? FileSystem.list(descriptors)) ?? []).map { descriptors.appending($0) }
            let uses = links.contains { link in
                (try? FileSystem.readSymbolicLink(link))?.hasPrefix(directory.string + "/") == true
            }
            return uses ? "process \(process.pid) (\(process.name))" : nil
        }
    }

    package struct RunningProcess: Sendable {
        package let pid: Int32
        package let parent: Int32
        /// The first fifteen bytes of the program's name.
        package let name: String
        /// Whether only its parent is still to hear of its end: no thread is left that holds descriptors.
        package let hasEnded: Bool
    }

    /// The processes that another one has started, directly or through others.
    package static func descendants(of pid: Int32) -> [RunningProcess] {
        let all = allProcesses()
        var found: [RunningProcess] = []
        var parents: Set<Int32> = [pid]
        while true {
            let next = all.filter { process in
                parents.contains(process.parent) && !found.contains { $0.pid == process.pid }
            }
            guard !next.isEmpty else { return found }
            found += next
            parents.formUnion(next.map(\.pid))
        }
    }

    package static func isAlive(_ pid: Int32) -> Bool { read(pid).map { !$0.hasEnded } ?? false }

    private static func allProcesses() -> [RunningProcess] {
        ((try? FileSystem.list("/proc")) ?? []).compactMap { Int32($0) }.compactMap(read)
    }

    /// proc(5), /proc/PID/stat: number, name in parentheses, state, parent, and 16 fields later the number of threads: the
    /// first thread may be a zombie while others still run.
    private static func read(_ pid: Int32) -> RunningProcess? {
        guard let text = try? FileSystem.readText(FilePath("/proc/\(pid)/stat")), let open = text.firstIndex(of: "("),
            let close = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 17, let parent = Int32(fields[1]), let threads = Int(fields[17]) else { return nil }
        return RunningProcess(
            pid: pid, parent: parent, name: String(text[text.index(after: open)..<close]),
            hasEnded: fields[0] == "Z" && threads <= 1)
    }
}
