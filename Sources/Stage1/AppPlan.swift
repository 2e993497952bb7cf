// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import LinuxPlatform
import MetadataRegistration
import PodStore
import SystemPackage

/// How one app of the pod is run in the guest, from its manifest and the files of its root.
struct AppPlan {
    let name: String
    let app: App
    let readOnlyRoot: Bool
    let streams: StreamModes
    /// Whether the app says itself when it is ready (sd_notify(3)).
    let supportsNotify: Bool
    let arguments: EntrypointArguments
    /// The app's root on the host.
    var root: FilePath
    /// Where the app finds the metadata service; nil for a pod that is not registered.
    let metadataURL: String?

    /// - Throws: when neither pod nor image says what is executed.
    init(_ runtime: RuntimeApp, pod: PodLayout, arguments: EntrypointArguments) throws {
        name = runtime.name.string
        let image = try ImageManifest(parsing: FileSystem.read(pod.imageManifest(name)))
        guard let app = runtime.app ?? image.app else {
            throw RuntimeError(.invalidArgument, "neither the pod nor the image says what app \(name) executes")
        }
        self.app = app
        readOnlyRoot = runtime.readOnlyRootFS
        streams = try StreamModes(runtime.annotations, app: name, interactive: arguments.interactive)
        supportsNotify = Self.supportsNotify(runtime.annotations, image.annotations)
        self.arguments = arguments
        root = pod.appRootfs(name)
        metadataURL = try PodMetadata(reading: pod.metadata)?.url
    }

    static let notifyAnnotation = "appc.io/executor/supports-systemd-notify"

    /// What the pod's manifest says of the app goes before what the image says; no boolean word means no.
    private static func supportsNotify(_ app: Annotations, _ image: Annotations) -> Bool {
        (app[notifyAnnotation] ?? image[notifyAnnotation]).flatMap(BooleanWord.value) ?? false
    }

    /// Where the share of app roots is mounted in the guest.
    static let guestRoots = "/opt/stage2"

    func configuration() throws -> PodConfiguration.App {
        guard !app.exec.isEmpty else {
            throw RuntimeError(.invalidArgument, "app \(name) has nothing to execute; give --exec")
        }
        let accounts = AccountLookup(root: root, users: arguments.users)
        let uid = try named("user") { try accounts.uid(of: app.user) }
        let gid = try named("group") { try accounts.gid(of: app.group) }
        if let users = arguments.users {
            for id in [uid, gid] + app.supplementaryGIDs where users.outside(id) == nil {
                throw RuntimeError(
                    .unsupported,
                    "app \(name) is to have the user or group \(id), and with --private-users a pod has those below "
                        + "\(users.count)")
            }
        }
        var configuration = PodConfiguration.App(
            name: name, root: "\(Self.guestRoots)/\(name)/rootfs", exec: app.exec,
            preStart: app.handler(for: .preStart) ?? [], postStop: app.handler(for: .postStop) ?? [],
            workingDirectory: app.workingDirectory.isEmpty ? "/" : app.workingDirectory, environment: environment,
            uid: uid, gid: gid, supplementaryGIDs: app.supplementaryGIDs,
            capabilityBoundingSet: try capabilities().mask, noNewPrivileges: app.isolators.noNewPrivileges,
            systemCallFilter: try filter().map { try SystemCallProgram.compile($0) } ?? [],
            readOnlyRoot: readOnlyRoot,
            protectsKernelPaths: arguments.protectsKernelPaths, input: streams.input ?? .nothing,
            output: streams.output ?? .journal, error: streams.error ?? .journal)
        configuration.supportsNotify = supportsNotify
        return configuration
    }

    private func capabilities() throws -> CapabilitySet {
        guard arguments.restrictsCapabilities else { return Capability.all }
        return try named("capability isolator") { try app.isolators.capabilityBoundingSet() }
    }

    private func filter() throws -> SystemCallFilter? {
        guard arguments.filtersSystemCalls else { return nil }
        return try named("seccomp isolator") { try SystemCallFilter(app.isolators) }
    }

    /// Names in the app's system call filter that stand for nothing.
    var unknownSystemCalls: [String] {
        ((try? filter()) ?? nil)?.unknown(known: SystemCallProgram.knownNames) ?? []
    }

    private func named<Value>(_ field: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw RuntimeError(.notFound, "\(field) of app \(name)", cause: error) }
    }

    /// Defaults that the app may override, then the app's own, then what it may not override.
    var environment: [String] {
        let defaults = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("SHELL", "/bin/sh"),
            ("USER", "root"), ("LOGNAME", "root"), ("HOME", "/root"), ("container", "rkt"),
        ]
        let own = app.environment.map { ($0.name, $0.value) }
        let fixed = [("AC_APP_NAME", name)] + (metadataURL.map { [("AC_METADATA_URL", $0)] } ?? [])
        let overriding = Set((own + fixed).map(\.0))
        let reserved: Set = ["AC_APP_NAME", "AC_METADATA_URL"]
        return (defaults.filter { !overriding.contains($0.0) } + own.filter { !reserved.contains($0.0) } + fixed)
            .map { "\($0.0)=\($0.1)" }
    }

    var unit: UnitGraph.App {
        var unit = UnitGraph.App(
            name: name, hasPreStart: !(app.handler(for: .preStart) ?? []).isEmpty,
            hasPostStop: !(app.handler(for: .postStop) ?? []).isEmpty,
            memoryLimit: app.isolators.memoryLimit?.value,
            cpuQuota: app.isolators.cpuLimit?.milli.map { max(1, $0) }, cpuShares: app.isolators.cpuShares,
            oomScoreAdjust: app.isolators.oomScoreAdjustment.flatMap {
                arguments.canSet(oomScoreAdjust: $0) ? $0 : nil
            },
            restrictsDevices: arguments.protectsKernelPaths)
        unit.supportsNotify = supportsNotify
        return unit
    }
}
