// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import GuestProtocol
import LinuxPlatform
import PodStore
import SystemPackage

/// What the guest is told of an app that is added to a pod that runs, from the pod's directory.
package struct LiveAppPlan {
    package let app: LiveApp
    /// What the app asks for and does not get, one line each.
    package let warnings: [String]

    /// - Parameters:
    ///   - arguments: of the app alone; users are those of the pod.
    ///   - hasOwnKernel: whether the pod's machine has one.
    ///   - controllers: as for `PodPlan`.
    package init(
        pod: PodLayout, app name: String, arguments: EntrypointArguments, hasOwnKernel: Bool,
        controllers: Set<String>? = nil
    ) throws {
        var manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
        guard manifest.annotation(PodAnnotation.mutable.string) == "true" else {
            throw RuntimeError(.invalidState, "the pod is immutable; use \"rkt app sandbox\"")
        }
        guard let runtime = manifest.app(named: name) else {
            throw RuntimeError(.notFound, "nonexistent app \"\(name)\"")
        }
        guard let place = pod.place(of: name) else {
            throw RuntimeError(.invalidState, "\(pod.appPlace(name)) does not tell where app \(name) is")
        }
        try PodPlan.requireFreeName(name)
        var arguments = arguments
        if hasOwnKernel { arguments.users = nil }
        // The pod sees the root by now, and may put a link of its own on the way there.
        let tree = try GuardedTree(pod.directory)
        defer { tree.close() }
        let root = try tree.open(pod.appRootfs(name), flags: O_DIRECTORY)
        defer { try? root.close() }
        var plan = try AppPlan(runtime, pod: pod, arguments: arguments)
        plan.root = root.path
        manifest.apps = [runtime]
        let volumes = try VolumePlan(
            manifest, points: { _ in plan.app.mountPoints }, pod: pod,
            carrier: .live(LiveVolumes(reading: pod), hasOwnKernel: hasOwnKernel), users: arguments.users,
            root: root.path)
        var configuration = try plan.configuration()
        configuration.marksErrors = try LogFilePlan(manifest, app: name) != nil
        configuration.root = "\(AppPlan.guestRoots)/.live/\(place)"
        configuration.mounts = volumes.mounts[name] ?? []
        var unit = plan.unit
        unit.allowedDevices = volumes.devices[name] ?? []
        app = LiveApp(
            app: configuration,
            files: UnitGraph(apps: [unit], isMutable: true).appUnits.map {
                .init(path: "/run/systemd/system/\($0.name)", content: .text($0.rendered))
            })
        guard app.encoded.count <= LiveApp.limit else {
            throw RuntimeError(.unsupported, "app \(name) has arguments and an environment of more than 1 MiB")
        }
        let isolators = IsolatorReport(
            pod: [], apps: [(name, plan.app.isolators, arguments)], processors: try Self.processors(of: pod),
            controllers: controllers)
        warnings = PodPlan.bounded(
            isolators.warnings
                + plan.unknownSystemCalls.map {
                    "app \(name) filters \"\($0.prefix(PodPlan.longestName))\", which is no system call"
                })
    }

    /// Those that the pod's machine has.
    private static func processors(of pod: PodLayout) throws -> Int {
        let record = try JSONValue(parsing: FileSystem.read(pod.machineRecord, limit: 4 << 20))
        guard let number = record["processors"]?.int, number > 0 else {
            throw RuntimeError(.invalidState, "\(pod.machineRecord) does not tell the machine's processors")
        }
        return number
    }
}
