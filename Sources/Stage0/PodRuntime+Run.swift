// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HTTPTransport
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Makes a pod and runs it: this program becomes the pod's supervisor. When it throws, nothing of the pod is left.
    package func run(_ request: PodRequest, _ options: RunOptions) throws -> Never {
        try RunRules.check(options, appCount: request.podManifest == nil ? request.apps.count : nil)
        let images = try imageFinder(request.pullPolicy)
        let plan = try plan(request, images)
        try RunRules.check(options, appCount: plan.manifest.apps.count)
        let pod = try pods.create()
        let uuid = pod.uuid
        do {
            try saveUUID(uuid, to: options.uuidFileSave)
            try fill(pod.layout, with: plan, request.storage, images.store)
            try start(try pod.run(), options)
        } catch {
            do {
                try discard(uuid)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    /// Runs a prepared pod: this program becomes the pod's supervisor. When it throws after the start was begun, an
    /// exited pod is left.
    package func runPrepared(_ prefix: String, _ options: RunOptions) throws -> Never {
        let pod = try pods.find(prefix)
        func notPrepared() -> RuntimeError { RuntimeError(.invalidState, "pod \"\(pod.uuid)\" is not prepared") }
        guard pod.state == .prepared else { throw notPrepared() }
        try RunRules.check(options, appCount: pod.manifest().apps.count)
        try saveUUID(pod.uuid, to: options.uuidFileSave)
        guard let handle = try pods.claim(pod) else { throw notPrepared() }
        // Before anything has begun: a pod that is refused stays prepared.
        try checkTrees(of: handle.layout)
        let running: PodHandle
        do {
            running = try handle.run()
        } catch let error as RuntimeError where error.code == .notFound {
            throw notPrepared()
        }
        try start(running, options)
    }

    /// Removes what a failed `run` has made, wherever it got to.
    private func discard(_ uuid: PodUUID) throws {
        guard let pod = pods.pod(uuid) else { return }
        try unmountAll(pod.layout)
        try FileSystem.removeTree(pod.layout.directory)
    }

    /// Mounts a pod's roots and executes stage1; unmounts them again when that fails.
    private func start(_ pod: consuming PodHandle, _ options: RunOptions) throws -> Never {
        let layout = pod.layout
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(layout.stage1Manifest)))
        guard let entrypoint = interface.path(.run) else {
            throw RuntimeError(.unsupported, "the stage1 image of pod \"\(pod.uuid)\" has no run entrypoint")
        }
        var request = RunArguments(uuid: pod.uuid)
        request.isDebug = settings.isDebug
        request.isInteractive = options.isInteractive
        request.hostname = options.hostname
        request.localConfiguration = settings.localConfiguration.string
        request.insecure = settings.insecure
        let arguments = interface.runArguments(request)

        notices.stage0("Setting up stage1")
        // Being told to stop now must not leave mounts behind: it counts when everything is in place, or undone.
        let signals = HeldSignals()
        defer { signals.release() }
        do {
            try mountRoots(layout)
            let variables = ProcessImage.environment.filter { !$0.hasPrefix("RKT_LOCK_FD=") }
            let call = EntrypointCall(
                layout: layout, environment: variables + ["RKT_LOCK_FD=\(pod.lockDescriptor)"],
                inherited: pod.lockDescriptor)
            if let preflight = interface.path(.preflight) {
                let exit = try call.spawn(preflight, arguments, readsInput: false)
                if case .signalled = exit {
                    throw RuntimeError(.internal, "the preflight of pod \"\(pod.uuid)\" ended with \(exit)")
                }
                guard exit == .exited(0) else { throw PreflightFailure(uuid: pod.uuid, exit: exit) }
            }
            if let signal = signals.pending {
                throw RuntimeError(.invalidState, "pod \"\(pod.uuid)\" was not started: signal \(signal) came first")
            }
            try pod.keepLockOnExec()
            notices.stage0("Executing \(entrypoint)")
            signals.release()
            // What becomes stage1 must have no children that stage1 does not know of.
            (transport as? DownloadProgram)?.close()
            try call.execute(entrypoint, arguments)
        } catch {
            do {
                try unmountAll(layout)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }
}

/// Stage1 has said that it cannot run a pod. It has told the user why: nothing more needs to be shown.
package struct PreflightFailure: Error, CustomStringConvertible {
    package let uuid: PodUUID
    package let exit: ProcessExit

    package var description: String { "stage1 cannot run pod \"\(uuid)\": its preflight ended with \(exit)" }
}

/// Rules on the options of a start that hold for every pod.
enum RunRules {
    /// - Parameter appCount: nil when it is not known yet.
    static func check(_ options: RunOptions, appCount: Int?) throws {
        for network in options.networks.flatMap({ $0.split(separator: ",") }) where network != "none" {
            throw RuntimeError(
                .unsupported,
                "network \"\(network)\" is not supported yet: pods have a loopback interface only; use --net=none")
        }
        if options.isInteractive, let appCount, appCount != 1 {
            throw RuntimeError(.invalidArgument, "interactive option only supports pods with one app")
        }
    }
}
