// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// What the host's kernel says that a process is and may do: read when it runs, not copied from a plan.
package struct MachineConfinement: Sendable, Equatable {
    /// A limit of getrlimit(2).
    package struct Limit: Sendable, Equatable {
        package let name: String
        /// The soft one; nil for none.
        package let value: UInt64?

        package init(name: String, value: UInt64?) {
            self.name = name
            self.value = value
        }
    }

    /// The effective user.
    package let user: UInt32
    /// The effective group, then the supplementary ones.
    package let groups: [UInt32]
    /// Those that it has or can get back; bit N is capability N of capabilities(7).
    package let capabilities: UInt64
    package let noNewPrivileges: Bool
    package let filtersSystemCalls: Bool
    /// Those that it does not share with this process, by their names in `/proc/PID/ns`, sorted.
    package var namespaces: [String] = []
    /// In the order of `limitNames`.
    package var limits: [Limit] = []
    /// The context of SELinux; nil where that is not.
    package var label: String?

    /// Reads `/proc/PID`.
    ///
    /// - Throws: when the process is gone, or may not be looked at.
    package init(of process: Int32) throws {
        let directory = FilePath("/proc/\(process)")
        guard let facts = Self(status: try FileSystem.readText(directory.appending("status"))) else {
            throw RuntimeError(.internal, "\(directory)/status does not tell who the process is")
        }
        self = facts
        let own: FilePath = "/proc/self/ns"
        namespaces = try FileSystem.list(own).filter { name in
            // What only begins to count for children is not told apart.
            guard !name.hasSuffix("_for_children") else { return false }
            let theirs = try FileSystem.readSymbolicLink(directory.appending("ns").appending(name))
            return try theirs != FileSystem.readSymbolicLink(own.appending(name))
        }.sorted()
        limits = Self.limits(try FileSystem.readText(directory.appending("limits")))
        label = SELinuxHost.label(of: process)
    }

    /// - Parameter status: text of `/proc/PID/status` (proc_pid_status(5)).
    package init?(status: String) {
        var fields: [Substring: [Substring]] = [:]
        for line in status.split(separator: "\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, fields[halves[0]] == nil else { continue }
            fields[halves[0]] = halves[1].split { $0 == "\t" || $0 == " " }
        }
        guard let users = fields["Uid"]?.compactMap({ UInt32($0) }), users.count == 4,
            let groups = fields["Gid"]?.compactMap({ UInt32($0) }), groups.count == 4,
            let permitted = fields["CapPrm"]?.first.flatMap({ UInt64($0, radix: 16) })
        else { return nil }
        user = users[1]
        var all = [groups[1]]
        for group in (fields["Groups"] ?? []).compactMap({ UInt32($0) }) where !all.contains(group) {
            all.append(group)
        }
        self.groups = all
        capabilities = permitted
        noNewPrivileges = fields["NoNewPrivs"]?.first == "1"
        // 1 is the strict mode, which is a filter, too.
        filtersSystemCalls = ["1", "2"].contains(fields["Seccomp"]?.first)
    }

    /// What a limit is called, and how its line of `/proc/PID/limits` begins.
    private static let limitNames = [
        ("core", "Max core file size"), ("nofile", "Max open files"), ("nproc", "Max processes"),
        ("memlock", "Max locked memory"), ("msgqueue", "Max msgqueue size"),
    ]

    /// - Parameter text: of `/proc/PID/limits`.
    package static func limits(_ text: String) -> [Limit] {
        let lines = text.split(separator: "\n")
        return limitNames.compactMap { name, title in
            guard let line = lines.first(where: { $0.hasPrefix(title + " ") }),
                let soft = line.dropFirst(title.count).split(separator: " ").first
            else { return nil }
            guard soft != "unlimited" else { return Limit(name: name, value: nil) }
            return UInt64(soft).map { Limit(name: name, value: $0) }
        }
    }

    /// What it lacks of the confinement of a hypervisor, each a few words; empty when nothing.
    package var shortfall: [String] {
        var lacks: [String] = []
        if user == 0 { lacks.append("it runs as root") }
        if capabilities != 0 { lacks.append("it has capabilities") }
        if !filtersSystemCalls { lacks.append("its system calls are not filtered") }
        return lacks
    }
}

/// Whether this host has SELinux.
package enum SELinuxHost {
    /// Where its file system is mounted (selinux(8)).
    package static let fileSystem: FilePath = "/sys/fs/selinux"

    package static var isEnabled: Bool { isEnabled(fileSystem) }

    private static func isEnabled(_ fileSystem: FilePath) -> Bool {
        FileSystem.exists(fileSystem.appending("enforce"))
    }

    /// The policy that holds; nil where there is no SELinux, or no policy.
    ///
    /// - Parameters:
    ///   - fileSystem: another one in tests.
    ///   - directory: where policies are.
    package static func policy(
        fileSystem: FilePath = fileSystem, directory: FilePath = SELinuxPolicy.directory
    ) -> SELinuxPolicy? {
        isEnabled(fileSystem) ? SELinuxPolicy(directory: directory) { isKnown($0, fileSystem) } : nil
    }

    /// Whether the policy that the kernel has loaded knows a context, as security_check_context(3) asks. Where the kernel
    /// does not answer, as it refuses the question, it counts as known.
    private static func isKnown(_ context: SELinuxContext, _ fileSystem: FilePath) -> Bool {
        do {
            let question = try FileDescriptor.open(
                fileSystem.appending("context"), .writeOnly, options: .closeOnExec)
            try question.closeAfter { _ = try question.writeAll(context.description.utf8) }
            return true
        } catch {
            return error as? Errno != .invalidArgument
        }
    }

    /// The context that a process runs in; nil where there is no SELinux, or it is not told.
    package static func label(of process: Int32) -> String? {
        guard isEnabled, let text = try? FileSystem.readText(FilePath("/proc/\(process)/attr/current"), limit: 4096)
        else { return nil }
        let label = text.prefix { $0 != "\0" && $0 != "\n" }
        return label.isEmpty ? nil : String(label)
    }
}

/// The children of a process (proc_tid_children(5)).
package enum ProcessChildren {
    /// The one that it has started first, of those that its first thread has; nil for none.
    package static func first(of process: Int32) -> Int32? {
        let text = try? FileSystem.readText(FilePath("/proc/\(process)/task/\(process)/children"), limit: 4096)
        return text?.split(separator: " ").first.flatMap { Int32($0) }
    }
}
