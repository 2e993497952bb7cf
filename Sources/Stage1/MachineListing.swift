// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

/// The pod's entry in the list of systemd-machined(8), made and removed by a program of the host's rkt.
///
/// machined takes the unit that the machine's process is in for the machine's, and keeps the entry for as long as that
/// unit is active: so the entry is removed at the end, and noted before it is made.
package struct MachineListing: Sendable, Equatable {
    let program: FilePath
    let record: FilePath
    let name: String
    let uuid: String
    /// Whether it is a virtual machine, and not a container.
    let hasOwnKernel: Bool
    /// What a container's first process has as its root; nil where the host does not see that.
    let root: FilePath?

    /// Where the bus of the system is (sd-bus(3)).
    private static let bus: FilePath = "/run/dbus/system_bus_socket"
    private static let programName = "machine-registration"
    /// Milliseconds that the pod's end waits for the program.
    private static let patience = 5000
    /// Bytes of files that say one thing.
    private static let limit = 4096

    /// - Returns: nil where there is nobody to tell: no bus, no program, no unit that is the pod's.
    init?(_ pod: PodLayout, _ machine: MachineSpec, hasOwnKernel: Bool) {
        guard FileSystem.exists(Self.bus), let program = Self.program(pod),
            let groups = try? FileSystem.readText("/proc/self/cgroup"), Self.isInOwnUnit(groups)
        else { return nil }
        self.program = program
        record = pod.machineListing
        name = machine.name
        uuid = machine.uuid
        self.hasOwnKernel = hasOwnKernel
        if case .directory(let root) = machine.root { self.root = root } else { root = nil }
    }

    /// Whether a process is in a service, or in a scope that is no user's session. Who ends a machine of machined's ends
    /// its unit.
    ///
    /// - Parameter groups: text of `/proc/self/cgroup` (cgroups(7)).
    package static func isInOwnUnit(_ groups: String) -> Bool {
        let lines = groups.split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }.filter { $0.count == 3 }
        // The hierarchy that systemd manages.
        guard let path = (lines.first { $0[1] == "name=systemd" } ?? lines.first { $0[1].isEmpty })?[2] else {
            return false
        }
        let names = path.split(separator: "/")
        return !names.contains("user.slice") && names.contains { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }
    }

    private static func program(_ pod: PodLayout) -> FilePath? {
        guard let text = try? FileSystem.readText(pod.programs, limit: limit) else { return nil }
        let path = FilePath(text.filter { $0 != "\n" }).appending(programName)
        return path.isAbsolute && FileSystem.exists(path) ? path : nil
    }

    /// Starts the program, which says itself what fails.
    ///
    /// The leader is who is asked for the machine's end (`machinectl poweroff`): this process, or the first one of a
    /// container, whose systemd takes the same signals.
    ///
    /// - Parameter process: the machine's.
    func begin(_ process: Int32, _ errors: ErrorStream) -> ChildProcess? {
        do {
            try FileSystem.writeAtomically(Array("\(name)\n".utf8), to: record)
            let leader = hasOwnKernel ? getpid() : Self.firstChild(of: process) ?? process
            return try Self.start(
                program,
                ["register", name, uuid, hasOwnKernel ? "vm" : "container", "\(leader)", root?.string ?? ""])
        } catch {
            errors.notice("stage1: warning: systemd-machined does not list the pod: \(error)")
            return nil
        }
    }

    /// Removes the entry.
    ///
    /// - Parameter child: what `begin` has started.
    func end(_ child: ChildProcess) {
        defer { child.close() }
        if Self.wait(child) == nil {
            try? child.signal(SIGKILL)
            _ = try? child.wait()
        }
        Self.remove(name, program, record)
    }

    /// Removes the entry that a killed supervisor has left.
    static func collect(_ pod: PodLayout) {
        guard let text = try? FileSystem.readText(pod.machineListing, limit: limit), let program = program(pod) else {
            return
        }
        remove(text.filter { $0 != "\n" }, program, pod.machineListing)
    }

    private static func remove(_ name: String, _ program: FilePath, _ record: FilePath) {
        guard let child = try? start(program, ["unregister", name]) else { return }
        defer { child.close() }
        if wait(child) == .exited(0) {
            try? FileSystem.remove(record)
        } else {
            try? child.signal(SIGKILL)
            _ = try? child.wait()
        }
    }

    private static func start(_ program: FilePath, _ arguments: [String]) throws -> ChildProcess {
        let null = try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)
        defer { try? null.close() }
        return try ChildProcess.spawn(
            SpawnRequest(
                path: program, arguments: [programName] + arguments, environment: ["LC_ALL=C"],
                descriptors: [null.rawValue, null.rawValue, 2], directory: "/", newSession: true,
                parentDeathSignal: SIGKILL))
    }

    private static func wait(_ child: ChildProcess) -> ProcessExit? {
        let deadline = Clock.milliseconds + patience
        while Clock.milliseconds < deadline {
            if let exit = try? child.poll() { return exit }
            _ = try? Poll.wait([(child.pidfd, .read)], timeout: max(1, deadline - Clock.milliseconds))
        }
        return try? child.poll()
    }

    /// The first process of a container, which the one that makes it has started.
    private static func firstChild(of process: Int32) -> Int32? {
        let text = try? FileSystem.readText(FilePath("/proc/\(process)/task/\(process)/children"), limit: limit)
        return text?.split(separator: " ").first.flatMap { Int32($0) }
    }
}
