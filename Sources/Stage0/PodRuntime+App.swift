// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// A pod that runs and whose apps can be changed.
struct LivePod {
    let pod: Pod
    let interface: Stage1Interface
    /// The process to enter.
    let process: Int32
    /// The process that runs it.
    let supervisor: Int32

    var layout: PodLayout { pod.layout }
    var uuid: PodUUID { pod.uuid }
}

/// An entrypoint that changes a pod has failed, and has told the user why.
package struct AppEntrypointFailure: Error, CustomStringConvertible {
    package let exit: ProcessExit

    package var description: String { "stage1 could not change the pod: its entrypoint ended with \(exit)" }
}

/// Looking at the apps of a pod, and changing which of them run.
extension PodRuntime {
    /// The apps of a pod, in the order in which they were added.
    package func apps(of prefix: String) throws -> [AppStatus] {
        let status = try status(prefix)
        if let error = status.error {
            throw RuntimeError(.invalidState, "cannot read the apps of pod \"\(status.uuid)\": \(error)")
        }
        return status.apps
    }

    /// - Throws: code `notFound` when the pod has no such app.
    package func app(_ name: String, among apps: [AppStatus]) throws -> AppStatus {
        guard let app = apps.first(where: { $0.name == name }) else { throw Self.nonexistent(name) }
        return app
    }

    static func nonexistent(_ app: String) -> RuntimeError {
        RuntimeError(.notFound, "nonexistent app \"\(app)\"")
    }

    /// Starts an app of a running pod; one that runs is left alone.
    package func startApp(_ name: String, in prefix: String) throws {
        let pod = try livePod(prefix)
        try requireApp(name, in: pod)
        try call(.startApp, name, in: pod)
    }

    /// Stops an app of a running pod; one that does not run is left alone. When this returns its status is written.
    package func stopApp(_ name: String, in prefix: String) throws {
        let pod = try livePod(prefix)
        try requireApp(name, in: pod)
        try call(.stopApp, name, in: pod)
    }

    /// Runs a command beside an app that runs: this program becomes it.
    ///
    /// - Parameter command: empty means a shell.
    /// - Throws: code `timeout` when the pod ended before it could be entered.
    package func execute(_ command: [String], in app: String, of prefix: String) throws -> Never {
        let pod = try pods.find(prefix)
        guard pod.state == .running else { throw Self.notRunning(pod) }
        let status = try self.app(app, among: apps(of: pod.uuid.description))
        guard status.phase == .running else {
            throw RuntimeError(
                .invalidState,
                "app \"\(app)\" isn't currently running; start it with \"rkt app start \(pod.uuid) --app=\(app)\"")
        }
        try enter(pod.uuid.description, app: app, command: command)
    }

    // MARK: - What changes have in common

    static func notRunning(_ pod: Pod) -> RuntimeError {
        RuntimeError(.invalidState, "pod \"\(pod.uuid)\" isn't currently running")
    }

    /// Finds a pod that can be changed, and waits until its supervisor is there.
    func livePod(_ prefix: String) throws -> LivePod {
        let pod = try pods.find(prefix)
        guard pod.state == .running else { throw Self.notRunning(pod) }
        guard try pod.isMutable(pod.manifest()) else {
            throw RuntimeError(.invalidState, "pod \"\(pod.uuid)\" is immutable; use \"rkt app sandbox\"")
        }
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        try interface.checkMutable()
        let process = try waitForProcess(of: pod)
        return LivePod(pod: pod, interface: interface, process: process, supervisor: pod.supervisor ?? process)
    }

    func requireApp(_ name: String, in pod: LivePod) throws {
        guard try pod.pod.manifest().app(named: name) != nil else { throw Self.nonexistent(name) }
    }

    /// Milliseconds that others who change a pod are waited for.
    private static let changePatience = 60_000

    /// Keeps others from adding and removing apps meanwhile.
    func lockChanges(_ pod: LivePod) throws -> FileLock {
        if !FileSystem.exists(pod.layout.changeLock) {
            try FileSystem.write([], to: pod.layout.changeLock, mode: 0o600)
        }
        guard let lock = try lockChanges(pod.layout, pod.uuid, patience: Self.changePatience) else {
            throw Self.notRunning(pod.pod)
        }
        return lock
    }

    /// - Parameter patience: milliseconds.
    /// - Returns: nil for a pod that nobody has changed yet.
    func lockChanges(_ layout: PodLayout, _ uuid: PodUUID, patience: Int) throws -> FileLock? {
        let deadline = Clock.milliseconds + patience
        var backoff = Backoff()
        repeat {
            do {
                if let lock = try FileLock.tryAcquire(layout.changeLock, .exclusive) { return lock }
            } catch let error as RuntimeError where error.code == .notFound {
                return nil
            }
        } while backoff.pause(until: deadline)
        throw RuntimeError(
            .busy, "pod \"\(uuid)\" is being changed by another rkt; try again, or see who does with lslocks(8)")
    }

    /// Runs an entrypoint that crosses into the pod.
    func call(_ entrypoint: Stage1Interface.Entrypoint, _ app: String, in pod: LivePod) throws {
        let exit = try exit(of: entrypoint, app, in: pod)
        if case .signalled = exit {
            throw RuntimeError(
                .internal, "the \(entrypoint.rawValue) entrypoint of pod \"\(pod.uuid)\" ended with \(exit)")
        }
        guard exit == .exited(0) else { throw AppEntrypointFailure(exit: exit) }
    }

    /// Runs an entrypoint that crosses into the pod. One that does not end is killed, as it keeps everybody from changing
    /// the pod.
    ///
    /// - Parameter isQuiet: whether its complaints are kept from the user.
    /// - Throws: code `timeout` when it had to be killed.
    func exit(
        of entrypoint: Stage1Interface.Entrypoint, _ app: String, in pod: LivePod, isQuiet: Bool = false
    ) throws -> ProcessExit {
        guard let path = pod.interface.path(entrypoint), let enter = pod.interface.path(.enter) else {
            throw RuntimeError(
                .unsupported, "the stage1 image of pod \"\(pod.uuid)\" has no \(entrypoint.rawValue) entrypoint")
        }
        let arguments =
            entrypoint == .addApp
            ? pod.interface.addArguments(
                app: app, uuid: pod.uuid, isDebug: settings.isDebug, insecure: settings.insecure,
                users: try pod.layout.readUsers())
            : pod.interface.appArguments(app: app, isDebug: settings.isDebug)
        var call = EntrypointCall(layout: pod.layout)
        let variables = pod.interface.crossingVariables(
            enter: pod.layout.stage1Rootfs.appending(enter).string, pid: pod.process,
            app: entrypoint == .addApp ? nil : app)
        call.environment = call.environment.filter { !$0.hasPrefix("RKT_STAGE1_ENTER") } + variables
        return try call.spawn(
            path, arguments, readsInput: false, diesWithCaller: true, isQuiet: isQuiet,
            patience: changeProgramPatience)
    }
}
