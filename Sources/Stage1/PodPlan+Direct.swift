// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import GuestProtocol
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

/// Pods in which nothing runs but one app.
extension PodPlan {
    /// The name in a hosts file of an app that has the host's name.
    static var hostsName: String {
        let text = (try? FileSystem.readText("/proc/sys/kernel/hostname", limit: 4096)) ?? ""
        return String(text.prefix { $0 != "\n" })
    }

    /// What is asked for that takes an agent in the pod, or namespaces of its own.
    static func leftOut(_ arguments: EntrypointArguments, _ plans: [AppPlan]) -> [String] {
        var lines: [String] = []
        if !arguments.hostname.isEmpty { lines.append("the pod has the host's name, and not \(arguments.hostname)") }
        for plan in plans {
            let app = plan.app
            let handlers = [("pre-start", app.handler(for: .preStart)), ("post-stop", app.handler(for: .postStop))]
            for (event, command) in handlers where !(command ?? []).isEmpty {
                lines.append("the event handler \(event) of app \(plan.name) is not run: nothing supervises the app")
            }
        }
        return lines
    }

    /// The app is all there is of a machine.
    static func direct(
        _ pod: PodLayout, _ uuid: PodUUID, _ plans: [AppPlan], _ configuration: PodConfiguration, _ volumes: VolumePlan,
        processors: Int, memory: Int, minimumIsolation: IsolationLevel?, inherited: [FileDescriptor]
    ) throws -> MachineSpec {
        guard let plan = plans.first, let app = configuration.apps.first, plans.count == 1 else {
            throw RuntimeError(.unsupported, "this stage1 only supports 1 application per Pod for now")
        }
        guard plan.arguments.interactive || !plan.streams.isShared else {
            throw RuntimeError(
                .unsupported, "app \(plan.name) cannot be attached to: nothing supervises it; use another stage1 image")
        }
        // A directory, as at /etc, goes beneath the pod's files; a file goes before one of them in its place.
        let directories = app.mounts.filter(isDirectory)
        let files = configuration.sharedFiles.enumerated().map { number, file in
            Share.bind(
                source: pod.sharedFile(number), target: FilePath(file.path), isRecursive: false,
                readOnly: file.readOnly)
        }
        func share(_ mount: PodConfiguration.Mount) -> Share {
            .bind(
                source: FilePath(mount.source), target: FilePath(mount.target),
                isRecursive: volumes.recursiveTargets.contains(mount.target), readOnly: mount.readOnly)
        }
        let shares = directories.map(share) + files
        let others = app.mounts.filter { !directories.contains($0) }.map(share)
        var program = plan.program(configuration: app)
        program.hasReadOnlyRoot = plan.readOnlyRoot
        return MachineSpec(
            name: machineName(uuid.description), uuid: uuid.description, memory: memory, processors: processors,
            kernel: .direct(program), commandLine: KernelCommandLine(), root: .directory(plan.root),
            shares: shares + others, network: .host, minimumIsolation: minimumIsolation,
            inheritedDescriptors: inherited, workingDirectory: pod.directory, log: log(pod))
    }

    /// Empty volumes are made later.
    private static func isDirectory(_ mount: PodConfiguration.Mount) -> Bool {
        let status = try? FileSystem.status(FilePath(mount.source), followSymbolicLink: true)
        return status.map { $0.type == .directory } ?? true
    }
}

extension AppPlan {
    /// The app's main program where nothing starts it but this process.
    func program(configuration app: PodConfiguration.App) -> AppProgram {
        var program = AppProgram(
            arguments: app.exec, environment: app.environment,
            user: ProgramUser(uid: app.uid, gid: app.gid, supplementaryGIDs: app.supplementaryGIDs),
            workingDirectory: app.workingDirectory)
        program.noNewPrivileges = app.noNewPrivileges
        let modes = [streams.input, streams.output, streams.error]
        program.nullDescriptors = modes.indices.filter { modes[$0] == .nothing }.map { Int32($0) }
        return program
    }
}

extension MachineSpec {
    /// The machine of an app that speaks to the host's systemd itself: it finds the socket where the host has it, unless
    /// a volume is there.
    ///
    /// - Parameter process: the one that becomes the app.
    package func notifying(_ variables: UnitNotifier.Variables, process: Int32 = getpid()) -> MachineSpec {
        guard case .direct(var program) = kernel, let address = variables.socket else { return self }
        var told = ["NOTIFY_SOCKET": address]
        if let watchdog = variables.watchdog {
            told["WATCHDOG_USEC"] = "\(watchdog)"
            told["WATCHDOG_PID"] = "\(process)"
        }
        program.environment.removeAll { variable in told[String(variable.prefix { $0 != "=" })] != nil }
        program.environment += told.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var spec = self
        spec.kernel = .direct(program)
        let path = FilePath(address)
        let isCovered = shares.contains { share in
            if case .bind(_, let target, _, _) = share { path.starts(with: target) } else { false }
        }
        // The name of an abstract socket is one of the network's, which is the host's.
        if path.isAbsolute, !isCovered {
            spec.shares.append(.bind(source: path, target: path, isRecursive: false, readOnly: false))
        }
        return spec
    }
}
