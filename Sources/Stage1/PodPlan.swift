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
    private static let longestName = 64
    private static let kernel = "vmlinux"
    private static let guestRoot = "guest.erofs"

    /// - Parameters:
    ///   - interfaces: those that the pod's networks give its machine.
    ///   - names: what the pod's networks say of name servers.
    ///   - inherited: descriptors that the machine's processes keep, such as the pod's lock.
    ///   - hostMemory: in MiB.
    ///   - machineUser: who the hypervisor runs as.
    ///   - extraKernelParameters: the user's, as in RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS.
    package init(
        pod: PodLayout, arguments: EntrypointArguments, interfaces: [JoinedInterface],
        names networkNames: NetworkResult.DNS? = nil, inherited: [FileDescriptor],
        extraKernelParameters: String?, hostProcessors: Int, hostMemory: Int, machineUser: UInt32?
    ) throws {
        let uuid = try PodUUID(parsing: arguments.uuid)
        let manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
        guard arguments.networks != ["host"] else {
            throw RuntimeError(.unsupported, "a pod in a virtual machine cannot have the host's network")
        }
        guard !arguments.interactive || manifest.apps.count == 1 else {
            throw RuntimeError(
                .unsupported, "--interactive needs a pod of one app, this one has \(manifest.apps.count)")
        }
        let plans = try manifest.apps.map { try Self.plan($0, pod: pod, arguments: arguments) }
        let points = Dictionary(zip(manifest.apps.map(\.name), plans.map(\.app.mountPoints))) { first, _ in first }
        let settings = try HypervisorConfiguration(pod: pod.hypervisorConfiguration)
        let volumes = try VolumePlan(
            manifest, points: { points[$0.name] ?? [] }, pod: pod, transport: settings.volumes ?? .standard)
        self.volumes = volumes
        let hostname = arguments.hostname.isEmpty ? "rkt-\(uuid)" : arguments.hostname
        guard hostname.utf8.count <= 64 else {
            throw RuntimeError(
                .invalidArgument, "the hostname \(hostname) is longer than 64 bytes; give a shorter --hostname")
        }
        let names = try NameFilePlan(arguments, networkNames, pod: pod)
        var leftOut: [String] = []
        configuration = PodConfiguration(
            hostname: hostname, machineID: uuid.withoutDashes, debug: arguments.debug,
            kernelSettings: try Self.kernelSettings(manifest.isolators.sysctl),
            interfaces: interfaces.map { PodConfiguration.Interface($0.guest) },
            shares: [
                // The guest's own locks and a cache without expiry: nobody else writes to this share.
                .init(type: "virtiofs", tag: Self.shareTag, mountPoint: AppPlan.guestRoots)
            ] + volumes.guestShares,
            files: UnitGraph(apps: plans.map(\.unit)).units.map {
                .init(path: "/run/systemd/system/\($0.name)", content: .text($0.rendered))
            },
            sharedFiles: names.files,
            apps: try plans.map { plan in
                var app = try plan.configuration()
                let mounts = volumes.mounts[plan.name] ?? []
                app.mounts = try names.mounts(mounts, root: plan.root)
                if app.mounts.count < mounts.count {
                    leftOut.append("app \(plan.name) gets the pod's /etc/resolv.conf in place of a volume's")
                }
                return app
            })
        let demand = ResourceDemand(plans.map(\.app.isolators))
        let processors = Int(demand.machineCores(host: Int64(min(hostProcessors, Self.mostProcessors))))
        isolators = IsolatorReport(
            pod: manifest.isolators, apps: plans.map { ($0.name, $0.app.isolators, $0.arguments) },
            processors: processors)
        warnings = Self.bounded(
            leftOut + isolators.warnings
                + plans.flatMap { plan in
                    plan.unknownSystemCalls.map {
                        "app \(plan.name) filters \"\($0.prefix(Self.longestName))\", which is no system call"
                    }
                })
        let memory = Int(clamping: demand.machineMemory())
        guard memory <= hostMemory else {
            throw RuntimeError(
                .unsupported,
                "the pod's machine needs \(memory) MiB of memory and the host has \(hostMemory) MiB; "
                    + "lower the apps' memory limits")
        }
        var commandLine = KernelCommandLine.standard(
            firstProgram: "/usr/lib/rkt/rkt-guest", verbose: arguments.debug)
        if let extraKernelParameters { try commandLine.appendUserParameters(extraKernelParameters) }
        machine = MachineSpec(
            name: "rkt-\(uuid)", uuid: uuid.description, memory: memory,
            processors: processors,
            kernel: .bundled(pod.stage1Rootfs.appending(Self.kernel)), commandLine: commandLine,
            root: .block(pod.stage1Rootfs.appending(Self.guestRoot)),
            shares: [.virtiofs(tag: Self.shareTag, source: pod.apps, cache: .always, readOnly: false)] + volumes.shares,
            network: .interfaces(interfaces.map(MachineInterface.init)), inheritedDescriptors: inherited,
            user: machineUser, workingDirectory: pod.directory,
            log: pod.directory.appending("machine.log"))
    }

    private static func bounded(_ warnings: [String]) -> [String] {
        guard warnings.count > mostWarnings else { return warnings }
        return warnings.prefix(mostWarnings) + ["\(warnings.count - mostWarnings) more warnings were left out"]
    }

    /// The pod's sysctl isolator (sysctl(8)): the kernel is the pod's own, so it may set what it likes.
    private static func kernelSettings(_ values: [String: String]) throws -> [PodConfiguration.KernelSetting] {
        try values.sorted { $0.key < $1.key }.map { key, value in
            // As sysctl(8) does it: when a slash comes first, dots are part of names.
            let separator = key.first { $0 == "." || $0 == "/" } ?? "."
            let path = separator == "/" ? key : String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
            let names = path.split(separator: "/", omittingEmptySubsequences: false)
            guard names.count > 1, names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), key.utf8.count < 256
            else { throw RuntimeError(.invalidArgument, "the pod's isolator os/unix/sysctl has the key \"\(key)\"") }
            return .init(path: path, value: value)
        }
    }

    private static func plan(_ runtime: RuntimeApp, pod: PodLayout, arguments: EntrypointArguments) throws -> AppPlan {
        let name = runtime.name.string
        guard !UnitGraph.reservedNames.contains(name), !name.hasPrefix("reaper-") else {
            throw RuntimeError(.invalidArgument, "the guest has a service named \(name); give the app another --name")
        }
        let image = try ImageManifest(parsing: FileSystem.read(pod.imageManifest(name)))
        guard let app = runtime.app ?? image.app else {
            throw RuntimeError(.invalidArgument, "neither the pod nor the image says what app \(name) executes")
        }
        return AppPlan(
            name: name, app: app, readOnlyRoot: runtime.readOnlyRootFS,
            streams: try StreamModes(runtime.annotations, app: name, interactive: arguments.interactive),
            arguments: arguments,
            root: pod.appRootfs(name))
    }
}
