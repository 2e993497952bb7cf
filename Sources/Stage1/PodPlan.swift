// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import HostConfiguration
import Hypervisor
import LinuxPlatform
import Networking
import PodStore
import SystemPackage

/// What the guest is told and what machine it runs on: everything that follows from the pod's directory before anything
/// is started.
package struct PodPlan {
    package let configuration: PodConfiguration
    package let machine: MachineSpec
    let volumes: VolumePlan
    /// Which isolators are enforced.
    let isolators: IsolatorReport
    /// What the apps ask for and do not get, one line each.
    package let warnings: [String]

    private static let shareTag = "rkt.apps"
    /// More than any machine of a backend has.
    private static let mostProcessors = 255
    /// Images can ask for any number of things that they do not get.
    private static let mostWarnings = 20
    /// Characters of a name in a warning.
    static let longestName = 64
    private static let guestRoot = "guest.erofs"
    /// The same as a directory, for machines on the host's kernel.
    private static let guestDirectory = "guest"
    private static let firstProgram = "/usr/lib/rkt/rkt-guest"

    /// - Parameters:
    ///   - capabilities: what the backend can do.
    ///   - interfaces: those that the pod's networks give a machine with a kernel of its own.
    ///   - namespace: where the pod's network namespace is mounted, for a machine on the host's kernel.
    ///   - names: what the pod's networks say of name servers.
    ///   - inherited: descriptors that the machine's processes keep, such as the pod's lock.
    ///   - controllers: those that limit control groups of a machine on the host's kernel; nil for all.
    ///   - hostMemory: in MiB.
    ///   - machineUser: who the hypervisor runs as.
    ///   - memoryLimit: bytes that the processes of the machine may use together; nil for no limit.
    ///   - watchdog: microseconds in which the host's systemd expects a sign of life of the pod; nil for no such time.
    ///   - extraKernelParameters: the user's, as in RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS.
    package init(
        pod: PodLayout, arguments: EntrypointArguments,
        capabilities: HypervisorCapabilities = [.ownKernel, .virtiofs, .executableKernel, .agent],
        interfaces: [JoinedInterface], namespace: FilePath? = nil, names networkNames: NetworkResult.DNS? = nil,
        inherited: [FileDescriptor],
        extraKernelParameters: String?, hostProcessors: Int, hostMemory: Int, controllers: Set<String>? = nil,
        machineUser: UInt32?, memoryLimit: Int64? = nil, watchdog: Int? = nil
    ) throws {
        let uuid = try PodUUID(parsing: arguments.uuid)
        let manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
        let hasOwnKernel = capabilities.contains(.ownKernel)
        let hasAgent = capabilities.contains(.agent)
        // Users of a machine with a kernel of its own are its own.
        var arguments = arguments
        if hasOwnKernel { arguments.users = nil }
        guard arguments.users == nil || hasAgent else {
            throw RuntimeError(.unsupported, "--private-users takes a machine, and this pod's app has the host's users")
        }
        guard arguments.networks != ["host"] || capabilities.contains(.hostNetwork) else {
            throw RuntimeError(.unsupported, "a pod in a virtual machine cannot have the host's network")
        }
        guard !arguments.interactive || manifest.apps.count == 1 else {
            throw RuntimeError(
                .unsupported, "--interactive needs a pod of one app, this one has \(manifest.apps.count)")
        }
        try Self.checkMutable(arguments, manifest, hasAgent: hasAgent)
        let plans = try manifest.apps.map { app in
            if hasAgent { try Self.requireFreeName(app.name.string) }
            return try AppPlan(app, pod: pod, arguments: hasAgent ? arguments : arguments.withoutConfinement)
        }
        let points = Dictionary(zip(manifest.apps.map(\.name), plans.map(\.app.mountPoints))) { first, _ in first }
        let settings = try HypervisorConfiguration(pod: pod.hypervisorConfiguration)
        let volumes = try VolumePlan(
            manifest, points: { points[$0.name] ?? [] }, pod: pod,
            carrier: hasOwnKernel
                ? .device(settings.volumes ?? (capabilities.contains(.virtiofsOnly) ? .virtiofs : .standard))
                : hasAgent ? .bind : .direct,
            users: arguments.users)
        self.volumes = volumes
        let labels = capabilities.contains(.labels) ? try PodLabels.read(pod.labels) : nil
        let appRoots = Self.appRoots(pod, capabilities)
        let live = arguments.isMutable && hasOwnKernel ? [Self.liveShare(pod, capabilities)] : []
        let hostname = arguments.hostname.isEmpty ? "rkt-\(uuid)" : arguments.hostname
        guard hostname.utf8.count <= 64 else {
            throw RuntimeError(
                .invalidArgument, "the hostname \(hostname) is longer than 64 bytes; give a shorter --hostname")
        }
        var names = try NameFilePlan(arguments, networkNames, pod: pod)
        if !hasAgent, arguments.hosts == .standard {
            for plan in plans {
                try names.addMissingHosts(
                    root: plan.root, mounts: volumes.mounts[plan.name] ?? [], hostname: Self.hostsName)
            }
        }
        var leftOut = hasAgent ? [] : Self.leftOut(arguments, plans)
        if hasAgent {
            _ = try LogFilePlan.directory(manifest)
        } else if manifest.annotation(LogFilePlan.modeAnnotation) != nil {
            leftOut.append("the pod has no log files of its own: nothing supervises the app")
        }
        let nameFiles = names
        let kernelSettings =
            hasAgent
            ? try Self.kernelSettings(
                manifest.isolators.sysctl, hasOwnKernel: hasOwnKernel, hasOwnNetwork: arguments.networks != ["host"])
            : []
        // A network made by the host is not its users' to change.
        let networkSettings = arguments.users == nil ? [] : kernelSettings.filter { $0.path.hasPrefix("net/") }
        configuration = PodConfiguration(
            hostname: hostname, machineID: uuid.withoutDashes, debug: arguments.debug,
            kernelSettings: kernelSettings.filter { !networkSettings.contains($0) },
            interfaces: interfaces.map { PodConfiguration.Interface($0.guest) },
            shares: hasOwnKernel ? [appRoots.guest] + volumes.guestShares + live.map(\.guest) : [],
            files: UnitGraph(
                apps: plans.map { plan in
                    var unit = plan.unit
                    unit.allowedDevices = volumes.devices[plan.name] ?? []
                    unit.watchdog = watchdog
                    return unit
                }, isMutable: arguments.isMutable
            ).units.map {
                .init(path: "/run/systemd/system/\($0.name)", content: .text($0.rendered))
            },
            sharedFiles: nameFiles.files,
            apps: try plans.map { plan in
                var app = try plan.configuration()
                app.marksErrors = hasAgent ? try LogFilePlan(manifest, app: plan.name) != nil : false
                let mounts = volumes.mounts[plan.name] ?? []
                app.mounts = try nameFiles.mounts(mounts, root: plan.root)
                if app.mounts.count < mounts.count {
                    leftOut.append("app \(plan.name) gets the pod's /etc/resolv.conf in place of a volume's")
                }
                return app
            }, isMutable: arguments.isMutable)
        let demand = ResourceDemand(plans.map(\.app.isolators))
        let most = min(hostProcessors, Self.mostProcessors)
        let processors =
            !hasOwnKernel
            ? hostProcessors
            : arguments.isMutable
                ? Self.sandboxProcessors(settings.sandbox, host: most) : Int(demand.machineCores(host: Int64(most)))
        isolators = IsolatorReport(
            pod: manifest.isolators, apps: plans.map { ($0.name, $0.app.isolators, arguments) },
            processors: processors, controllers: controllers, hasAgent: hasAgent)
        let memory =
            arguments.isMutable
            ? Self.sandboxMemory(settings.sandbox, host: hostMemory) : Int(clamping: demand.machineMemory())
        warnings = Self.bounded(
            leftOut
                + (hasOwnKernel
                    ? Self.memoryWarnings(memory, limit: memoryLimit, isMutable: arguments.isMutable) : [])
                + isolators.warnings
                + plans.flatMap { plan in
                    plan.unknownSystemCalls.map {
                        "app \(plan.name) filters \"\($0.prefix(Self.longestName))\", which is no system call"
                    }
                })
        guard hasAgent else {
            machine = try Self.direct(
                pod, uuid, plans, configuration, volumes, processors: processors, memory: hostMemory,
                minimumIsolation: settings.minimumIsolation, inherited: inherited)
            return
        }
        guard hasOwnKernel else {
            var container = Self.container(
                pod, uuid, processors: processors, memory: hostMemory,
                // Each app that comes has its own bounding set.
                capabilities: arguments.isMutable
                    ? Capability.all.mask : configuration.apps.reduce(0) { $0 | $1.capabilityBoundingSet },
                shares: volumes.shares + (arguments.isMutable ? [Self.liveBind(pod)] : []),
                network: namespace.map { .namespace($0) } ?? .host,
                minimumIsolation: settings.minimumIsolation, inherited: inherited)
            container.users = arguments.users
            container.labels = labels
            container.networkSettings = networkSettings.map { .init(path: $0.path, value: $0.value) }
            machine = container
            return
        }
        guard memory <= hostMemory else {
            throw RuntimeError(
                .unsupported,
                "the pod's machine needs \(memory) MiB of memory and the host has \(hostMemory) MiB; "
                    + (arguments.isMutable ? "ask for less with --memory" : "lower the apps' memory limits"))
        }
        var commandLine = KernelCommandLine.standard(firstProgram: Self.firstProgram, verbose: arguments.debug)
        if let extraKernelParameters { try commandLine.appendUserParameters(extraKernelParameters) }
        var virtual = MachineSpec(
            name: Self.machineName(uuid.description), uuid: uuid.description, memory: memory, processors: processors,
            kernel: try GuestKernel(inStage1: pod.stage1Rootfs, for: capabilities), commandLine: commandLine,
            root: .block(pod.stage1Rootfs.appending(Self.guestRoot)),
            shares: [appRoots.share] + volumes.shares + live.map(\.share),
            network: .interfaces(interfaces.map(MachineInterface.init)),
            accelerator: settings.accelerator ?? .auto, profile: settings.profile,
            minimumIsolation: settings.minimumIsolation, inheritedDescriptors: inherited,
            user: machineUser, workingDirectory: pod.directory, log: Self.log(pod))
        virtual.labels = labels
        machine = virtual
    }

    /// A machine on the host's kernel: it begins with the same program, in a copy of the same root.
    private static func container(
        _ pod: PodLayout, _ uuid: PodUUID, processors: Int, memory: Int, capabilities: UInt64, shares: [Share],
        network: NetworkAttachment, minimumIsolation: IsolationLevel?, inherited: [FileDescriptor]
    ) -> MachineSpec {
        MachineSpec(
            name: machineName(uuid.description), uuid: uuid.description, memory: memory, processors: processors,
            kernel: .host(FirstProgram(arguments: [firstProgram], capabilities: capabilities)),
            commandLine: KernelCommandLine(), root: .directory(pod.stage1Rootfs.appending(guestDirectory)),
            shares: [
                .bind(
                    source: pod.apps, target: FilePath(AppPlan.guestRoots), isRecursive: true, readOnly: false)
            ] + shares,
            network: network, minimumIsolation: minimumIsolation, inheritedDescriptors: inherited,
            workingDirectory: pod.directory, log: log(pod))
    }

    static func machineName(_ uuid: String) -> String { "rkt-\(uuid)" }

    static func log(_ pod: PodLayout) -> FilePath { pod.directory.appending("machine.log") }

    /// How the apps' roots get into a machine with a kernel of its own. Nobody else writes to them while it runs, so
    /// the guest's own locks suffice, and a cache without expiry.
    private static func appRoots(
        _ pod: PodLayout, _ capabilities: HypervisorCapabilities
    ) -> (share: Share, guest: PodConfiguration.Share) {
        let type = capabilities.contains(.virtiofs) ? "virtiofs" : "9p"
        var guest = PodConfiguration.Share(type: type, tag: shareTag, mountPoint: AppPlan.guestRoots)
        guard capabilities.contains(.virtiofs) else {
            guest.options = "trans=virtio,version=9p2000.L,msize=512000,cache=loose"
            return (.plan9(tag: shareTag, source: pod.apps, readOnly: false), guest)
        }
        return (.virtiofs(tag: shareTag, source: pod.apps, cache: .always, readOnly: false), guest)
    }

    /// MiB that the hypervisor and the servers of shares need beside the memory of the machine.
    private static let ownMemory = 128

    /// A machine's memory is the host's, and counts for the unit.
    ///
    /// - Parameter memory: of the machine, in MiB.
    private static func memoryWarnings(_ memory: Int, limit: Int64?, isMutable: Bool) -> [String] {
        // Apps may ask for more than there are numbers for; the pod is refused then.
        let needed = min(memory, Int.max - ownMemory) + ownMemory
        guard let limit, limit >> 20 < needed else { return [] }
        return [
            "the pod's machine has \(memory) MiB of memory and its unit may use \(limit >> 20) MiB, so it may be killed: "
                + "give the unit MemoryMax=\(needed)M or more, or the \(isMutable ? "pod" : "apps") less with --memory"
        ]
    }

    static func bounded(_ warnings: [String]) -> [String] {
        guard warnings.count > mostWarnings else { return warnings }
        return warnings.prefix(mostWarnings) + ["\(warnings.count - mostWarnings) more warnings were left out"]
    }

    /// What the kernel keeps for each namespace (sysctl(2)): of networks, and of what processes share.
    private static func isOfNamespace(_ path: String, hasOwnNetwork: Bool) -> Bool {
        if path.hasPrefix("net/") { return hasOwnNetwork }
        return ["kernel/shm", "kernel/msg", "kernel/sem", "fs/mqueue/"].contains { path.hasPrefix($0) }
    }

    /// The pod's sysctl isolator (sysctl(8)): a kernel of its own it may set as it likes.
    private static func kernelSettings(
        _ values: [String: String], hasOwnKernel: Bool, hasOwnNetwork: Bool
    ) throws -> [PodConfiguration.KernelSetting] {
        try values.sorted { $0.key < $1.key }.map { key, value in
            // As sysctl(8) does it: when a slash comes first, dots are part of names.
            let separator = key.first { $0 == "." || $0 == "/" } ?? "."
            let path = separator == "/" ? key : String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
            let names = path.split(separator: "/", omittingEmptySubsequences: false)
            guard names.count > 1, names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), key.utf8.count < 256
            else { throw RuntimeError(.invalidArgument, "the pod's isolator os/unix/sysctl has the key \"\(key)\"") }
            guard hasOwnKernel || isOfNamespace(path, hasOwnNetwork: hasOwnNetwork) else {
                throw RuntimeError(
                    .unsupported,
                    "the pod's isolator os/unix/sysctl sets \(key), which would change the host's kernel; run the pod in a "
                        + "virtual machine")
            }
            return .init(path: path, value: value)
        }
    }

    static func requireFreeName(_ name: String) throws {
        guard !UnitGraph.reservedNames.contains(name), !name.hasPrefix("reaper-") else {
            throw RuntimeError(.invalidArgument, "the guest has a service named \(name); give the app another --name")
        }
    }
}
