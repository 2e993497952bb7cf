// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import ImageStore
import LinuxPlatform
import Networking
import PodStore
import SystemPackage

extension PodRuntime {
    /// Makes a pod and runs it: this program becomes the pod's supervisor. When it throws, nothing of the pod is left.
    package func run(_ request: PodRequest, _ options: RunOptions) throws -> Never {
        var options = options
        if AppStream.needTerminal(request) { options.isInteractive = true }
        try RunRules.check(options, appCount: request.podManifest == nil ? request.apps.count : nil)
        try checkMetadataService(options)
        // No program but stage1 is to have them.
        try PassedSockets().closeOnExec()
        let images = try imageFinder(request.pullPolicy)
        try checkNetworks(options, request, images)
        let plan = try plan(request, images)
        try RunRules.check(options, plan.manifest)
        let choices = try choices(options, Stage1Interface(images.store.manifest(of: plan.stage1)))
        let pod = try pods.create()
        let uuid = pod.uuid
        do {
            try begin(pod, plan, request.storage, images.store, choices)
        } catch {
            do {
                forgetUUID(uuid, in: options.uuidFileSave)
                try discard(uuid)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    /// When this throws, nobody holds the pod any more.
    private func begin(
        _ pod: consuming PodHandle, _ plan: PodPlan, _ storage: RootStorage, _ store: ImageStore,
        _ choices: StartChoices
    ) throws -> Never {
        try saveUUID(pod.uuid, to: choices.options.uuidFileSave)
        try fill(pod.layout, with: plan, storage, store)
        try start(try pod.run(), plan.manifest, choices)
    }

    /// Runs a prepared pod: this program becomes the pod's supervisor. When it throws after the start was begun, an
    /// exited pod is left.
    package func runPrepared(_ prefix: String, _ options: RunOptions) throws -> Never {
        try RunRules.check(options, appCount: nil)
        try checkMetadataService(options)
        // No program but stage1 is to have them.
        try PassedSockets().closeOnExec()
        let pod = try pods.find(prefix)
        func notPrepared() -> RuntimeError { RuntimeError(.invalidState, "pod \"\(pod.uuid)\" is not prepared") }
        guard pod.state == .prepared else { throw notPrepared() }
        let manifest = try pod.manifest()
        try RunRules.check(options, manifest)
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        let choices = try choices(options, interface)
        try saveUUID(pod.uuid, to: options.uuidFileSave)
        guard let handle = try pods.claim(pod, patience: PodStore.lookPatience) else { throw notPrepared() }
        // Before anything has begun: a pod that is refused stays prepared.
        var times = PreparationTimes(reading: handle.layout)
        times.verify = 0
        try times.measure(\.verify) { try checkTrees(of: handle.layout) }
        try times.write(handle.layout)
        let running: PodHandle
        do {
            running = try handle.run()
        } catch let error as RuntimeError where error.code == .notFound {
            throw notPrepared()
        }
        try start(running, manifest, choices)
    }

    /// Removes what a failed `run` has made, wherever it got to.
    func discard(_ uuid: PodUUID) throws {
        // When somebody else has it by now, it is being removed.
        guard let pod = pods.pod(uuid), let handle = try pods.claim(pod, patience: PodStore.lookPatience) else {
            return
        }
        guard !FileSystem.exists(handle.layout.networkJournal) else {
            throw RuntimeError(.invalidState, "pod \"\(uuid)\" is kept until `rkt gc` can take it out of its networks")
        }
        try unmountAll(handle.layout)
        try handle.remove()
    }

    /// Mounts a pod's roots and executes stage1; unmounts them again when that fails.
    private func start(
        _ pod: consuming PodHandle, _ manifest: PodManifest, _ choices: StartChoices
    ) throws -> Never {
        let layout = pod.layout
        let start = try startCall(pod.uuid, layout, choices)
        let entrypoint = try start.interface.runPath()
        tellPorts(manifest, choices.networks)
        let sockets = try PassedSockets()
        tellSockets(sockets, start.interface)

        notices.stage0("Setting up stage1")
        // Being told to stop now must not leave mounts behind: it counts when everything is in place, or undone.
        let signals = HeldSignals()
        defer { signals.release() }
        let uuid = pod.uuid
        do {
            let call = try setUp(layout, uuid, lock: pod.lockDescriptor, start, choices)
            if let preflight = start.interface.path(.preflight) {
                try check(call.spawn(preflight, start.arguments, readsInput: false, diesWithCaller: true), uuid)
            }
            try register(layout, uuid, manifest, start)
            if let signal = signals.pending {
                throw RuntimeError(.invalidState, "pod \"\(uuid)\" was not started: signal \(signal) came first")
            }
            try measure(layout, uuid, start, choices)
            try pod.keepLockOnExec()
            if start.interface.takesSockets { try sockets.keepOnExec() }
            notices.stage0("Executing \(entrypoint)")
            // Networks are stage1's to leave, which takes signals that wait. One that has none may not know of such.
            if !FileSystem.exists(layout.networkJournal) { signals.release() }
            // What becomes stage1 must have no children that stage1 does not know of.
            (transport as? DownloadProgram)?.close()
            try call.execute(entrypoint, start.arguments)
        } catch {
            do {
                defer { try? unmountAll(layout) }
                endRegistration(layout, uuid)
                try leaveNetworks(layout, uuid, after: error)
                try unmountAll(layout)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    /// Preflight may have joined a pod that is not started now to its networks.
    private func leaveNetworks(_ layout: PodLayout, _ uuid: PodUUID, after error: any Error) throws {
        guard FileSystem.exists(layout.networkJournal) else { return }
        // It has tried to undo that and told why it could not.
        if let failure = error as? PreflightFailure, case .exited = failure.exit { return }
        try runCollectEntrypoint(layout, uuid)
    }

    /// Sockets that a stage1 image does not take are not passed over in silence.
    private func tellSockets(_ sockets: PassedSockets, _ stage1: Stage1Interface) {
        guard !sockets.descriptors.isEmpty, !stage1.takesSockets else { return }
        let subject =
            sockets.descriptors.count == 1
            ? "the socket that systemd has passed does"
            : "the \(sockets.descriptors.count) sockets that systemd has passed do"
        notices.warning(
            "networking",
            "\(subject) not reach the pod: its stage1 image takes none; let systemd-socket-proxyd pass connections on "
                + "to the pod's address")
    }

    /// A port that nobody can reach is not passed over in silence.
    private func tellPorts(_ manifest: PodManifest, _ networks: PodNetworking) {
        guard !manifest.ports.isEmpty, networks.selection == .none else { return }
        let ports = manifest.ports.map { "\"\($0.name)\"" }.joined(separator: ", ")
        notices.warning("networking", "nothing is forwarded to port \(ports): the pod has no network")
    }
}
