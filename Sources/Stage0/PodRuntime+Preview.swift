// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// What machine a pod would get.
extension PodRuntime {
    /// Asks stage1 about a pod that is made for that and taken away again. Nothing is started; images that had to be
    /// fetched stay in the store.
    package func preview(_ request: PodRequest, _ options: RunOptions) throws -> JSONValue {
        var options = options
        if AppStream.needTerminal(request) { options.isInteractive = true }
        try RunRules.check(options, appCount: request.podManifest == nil ? request.apps.count : nil)
        let images = try imageFinder(request.pullPolicy)
        try checkNetworks(options, request, images)
        let plan = try plan(request, images)
        try RunRules.check(options, plan.manifest)
        let choices = try choices(options, Stage1Interface(images.store.manifest(of: plan.stage1)))
        let pod = try pods.create()
        let uuid = pod.uuid
        let preview: JSONValue
        do {
            preview = try examine(pod, plan, request.storage, images.store, choices)
        } catch {
            do {
                try discard(uuid)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
        try discard(uuid)
        return preview
    }

    /// Asks stage1 about a prepared pod, which stays as it is.
    package func previewPrepared(_ prefix: String, _ options: RunOptions) throws -> JSONValue {
        try RunRules.check(options, appCount: nil)
        let pod = try pods.find(prefix)
        try RunRules.check(options, pod.manifest())
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        let choices = try choices(options, interface)
        guard pod.state == .prepared, let handle = try pods.claim(pod, patience: PodStore.lookPatience) else {
            throw RuntimeError(.invalidState, "pod \"\(pod.uuid)\" is not prepared")
        }
        return try ask(handle, choices)
    }

    private func examine(
        _ pod: consuming PodHandle, _ plan: PodPlan, _ storage: RootStorage, _ store: ImageStore,
        _ choices: StartChoices
    ) throws -> JSONValue {
        try fill(pod.layout, with: plan, storage, store)
        return try ask(pod, choices)
    }

    /// Bytes of an answer.
    private static let previewLimit = 4 << 20

    /// When this returns nobody holds the pod any more, and nothing of it is mounted.
    private func ask(
        _ pod: consuming PodHandle, _ choices: StartChoices
    ) throws -> JSONValue {
        let layout = pod.layout
        let start = try startCall(pod.uuid, layout, choices)
        guard let entrypoint = start.interface.path(.plan) else {
            throw RuntimeError(
                .unsupported, "the stage1 image of pod \"\(pod.uuid)\" cannot tell what machine it would start")
        }
        // Being told to stop now must not leave mounts behind.
        let signals = HeldSignals()
        defer { signals.release() }
        let output = try FileSystem.openAnonymous(in: layout.directory)
        defer { try? output.close() }
        do {
            let call = try setUp(layout, pod.uuid, lock: pod.lockDescriptor, start, choices)
            try check(call.spawn(entrypoint, start.arguments, readsInput: false, output: output), pod.uuid)
        } catch {
            do {
                try unmountAll(layout)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
        try unmountAll(layout)
        do {
            try output.seek(offset: 0, from: .start)
            return try JSONValue(parsing: FileSystem.read(output, layout.directory, limit: Self.previewLimit))
        } catch {
            throw RuntimeError(.internal, "cannot read what the stage1 image of pod \"\(pod.uuid)\" says", cause: error)
        }
    }
}
