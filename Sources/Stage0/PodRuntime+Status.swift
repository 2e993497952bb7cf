// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// What is known of one pod.
    package func status(_ prefix: String) throws -> PodStatus {
        do {
            var images = ImageNames()
            return status(of: try pods.find(prefix), .everything, &images)
        } catch {
            throw RuntimeError(code(of: error), "problem retrieving pod", cause: error)
        }
    }

    /// What is known of all pods, by UUID. A pod that cannot be read is listed with what is known, and why.
    package func list(_ detail: PodDetail = .everything) throws -> [PodStatus] {
        var images = ImageNames()
        return try pods.pods().map { status(of: $0, detail, &images) }
    }

    /// A pod's manifest, decoded and as it stands on disk.
    package func podManifest(_ prefix: String) throws -> (manifest: PodManifest, bytes: [UInt8]) {
        let pod: Pod
        do {
            pod = try pods.find(prefix)
        } catch {
            throw RuntimeError(code(of: error), "problem retrieving pod", cause: error)
        }
        do {
            let bytes = try pod.manifestBytes()
            let whole = try PodManifest(parsing: bytes)
            let manifest = pod.complete(whole)
            return (manifest, whole == manifest ? bytes : Array(manifest.encoded(pretty: false).utf8))
        } catch {
            throw RuntimeError(.invalidState, "cannot read the manifest of pod \"\(pod.uuid)\"", cause: error)
        }
    }

    private func code(of error: any Error) -> RuntimeError.Code { (error as? RuntimeError)?.code ?? .internal }

    /// What is known of a pod as it was found.
    ///
    /// - Parameters:
    ///   - images: remembers names from one pod to the next.
    ///   - manifest: reads a pod's manifest.
    package func status(
        of pod: Pod, _ detail: PodDetail, _ images: inout ImageNames,
        manifest: (Pod) throws -> PodManifest = { try $0.manifest() }
    ) -> PodStatus {
        var status = PodStatus(
            uuid: pod.uuid, state: pod.state, createdAt: pod.createdAt, startedAt: pod.startedAt,
            hasExited: pod.state.hasExited, networks: pod.networks)
        if detail != .table {
            status.markedAt = pod.markedAt
            status.pid = pod.state.hasRun ? pod.pid : nil
        }
        if detail == .everything {
            status.machine = pod.machine
            status.images = pod.images
            status.preparation = pod.preparation
            status.startLedger = pod.startLedger
        }
        do {
            let manifest = try manifest(pod)
            status.apps = manifest.apps.map { self.status(of: $0, in: pod, detail, &images) }
            status.userAnnotations = manifest.userAnnotations
            status.userLabels = manifest.userLabels
        } catch let error as RuntimeError where error.code == .notFound {
            // An embryo, a pod that is being prepared or one that is being removed.
            if pod.state.hasRun || pod.state == .prepared { status.error = error.description }
        } catch {
            status.error = String(describing: error)
            status.apps = partialApps(of: pod)
        }
        if detail == .everything { status.end = pod.end ?? Self.missingEnd(of: pod, status) }
        return status
    }

    /// What follows from a pod that has ended and whose supervisor has not written down how: it was killed, the host was
    /// restarted, or it did not come up. Nil when the statuses of the apps say it all.
    private static func missingEnd(of pod: Pod, _ status: PodStatus) -> JSONValue? {
        guard pod.state.hasExited, status.machine != nil || status.apps.contains(where: { $0.exitStatus == nil }) else {
            return nil
        }
        let hasStarted = status.startedAt != nil
        guard !hasStarted || !isDirect(pod) else { return nil }
        let message =
            hasStarted ? "the pod's supervisor ended before the pod did" : "the pod was not started to its end"
        return .object(
            JSONObject([
                .init(key: "cause", value: .string(hasStarted ? "supervisor-died" : "start-failed")),
                .init(key: "message", value: .string(message)),
            ]))
    }

    /// Whether the pod has nobody who could write down how it ends.
    private static func isDirect(_ pod: Pod) -> Bool {
        let manifest = try? ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest))
        return manifest.flatMap { try? Stage1Interface($0) }?.isDirect ?? false
    }

    /// What a manifest that breaks a rule still tells.
    private func partialApps(of pod: Pod) -> [AppStatus] {
        guard let manifest = try? PartialPodManifest(parsing: pod.manifestBytes()) else { return [] }
        return manifest.apps.map { app in
            let version = app.imageLabels.first { $0.name == "version" }.map { ":\($0.value)" } ?? ""
            return AppStatus(
                name: app.name, imageName: app.imageName + version, imageID: try? ImageID(parsing: app.imageID),
                phase: pod.state.hasExited ? .exited : .created)
        }
    }

    private func status(
        of app: RuntimeApp, in pod: Pod, _ detail: PodDetail, _ images: inout ImageNames
    ) -> AppStatus {
        let name = app.name.string
        let imageName = images.name(of: app, pod)
        guard detail != .table else {
            return AppStatus(
                name: name, imageName: imageName, imageID: app.image.id,
                phase: pod.state.hasExited ? .exited : .created)
        }
        let exitStatus = pod.exitStatus(of: name)
        let startedAt = pod.startedAt(of: name)
        let phase: AppStatus.Phase =
            if exitStatus != nil || pod.state.hasExited { .exited } else if startedAt != nil { .running } else {
                .created
            }
        return AppStatus(
            name: name, imageName: imageName, imageID: app.image.id, phase: phase,
            createdAt: pod.createdAt(of: name), startedAt: startedAt,
            finishedAt: exitStatus == nil ? nil : pod.finishedAt(of: name), exitStatus: exitStatus,
            exitCause: exitStatus == nil ? nil : pod.exitCause(of: name))
    }
}
