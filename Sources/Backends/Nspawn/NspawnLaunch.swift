// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Executes one plan. The container's own start is not awaited: what goes wrong there is in its log when it ends.
struct NspawnLaunch {
    private let plan: NspawnCommandLine
    private let changes: NspawnHostChanges

    init(_ plan: NspawnCommandLine) {
        self.plan = plan
        changes = NspawnHostChanges(name: plan.name, workingDirectory: plan.workingDirectory)
    }

    func run() throws -> NspawnMachine {
        let log = try MachineLog(plan.log)
        var opened = [log.file]
        do {
            // Whoever connects needs the right to the socket, and to its name.
            let socket = try withSockets(plan.labels?.process(nil)) {
                try GuestSocket(plan.socket, user: plan.users?.first ?? geteuid())
            }
            opened += socket.descriptors
            if let label = plan.labels?.file { try label.set(on: plan.socket) }
            let (console, output) = try UnixSocket.pair()
            opened += [console, output]
            try UnixSocket.setNonBlocking(console)
            let null = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
            opened.append(null)
            let groups = try changes.makeGroups()
            // Root in a container of the host's users may do anything with them as it is.
            if let users = plan.users { try groups.delegate(to: users.first) }
            try plan.network?.apply()
            var request = SpawnRequest(
                path: FilePath(plan.words[0]), arguments: plan.words, environment: plan.environment,
                descriptors: [null.rawValue, output.rawValue, log.file.rawValue] + plan.inheritedDescriptors,
                directory: plan.workingDirectory,
                // A terminal's signals are the supervisor's to handle.
                newSession: true, privateMounts: true,
                // Nothing outlives the supervisor, however it ends.
                parentDeathSignal: 9)
            // Nor does the container outlive systemd-nspawn.
            request.privateProcesses = true
            request.controlGroups = groups.joined
            request.networkNamespace = plan.network?.namespace
            let process = try ChildProcess.spawn(request)
            try? output.close()
            try? null.close()
            return NspawnMachine(plan.id, process: process, socket: socket, console: console, log: log, changes)
        } catch {
            for descriptor in opened { try? descriptor.close() }
            try? FileSystem.remove(plan.socket)
            do {
                try changes.undo()
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }
}
