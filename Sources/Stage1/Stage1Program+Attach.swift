// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

extension Stage1Program {
    /// The `attach` entrypoint.
    func attach(_ arguments: AttachArguments) throws -> Int32 {
        if case .list = arguments.action {
            try FileSystem.writeAll(endpoints(of: arguments.app), to: .standardOutput)
            return ExitStatus.success
        }
        var client = try AttachClient(socketPath: pod.agentSocket)
        return try client.run(arguments)
    }

    /// - Throws: code `invalidState` while there are none, with the reason.
    private func endpoints(of app: String) throws -> [UInt8] {
        if let text = try? FileSystem.read(pod.endpoints(app), limit: 64 << 10) { return text }
        let manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
        guard let runtime = manifest.apps.first(where: { $0.name.string == app }) else {
            throw RuntimeError(.notFound, "the pod has no app \"\(app)\"")
        }
        // An app that has the caller's terminal is the caller's alone.
        guard let modes = try? StreamModes(runtime.annotations, app: app, interactive: false), modes.isShared else {
            throw RuntimeError(.invalidState, Supervisor.reasonWithoutStreams(app))
        }
        let hasEnded = FileSystem.exists(pod.status(app))
        throw RuntimeError(
            .invalidState, "app \"\(app)\" \(hasEnded ? "has ended" : "cannot be attached to yet; it is starting")")
    }
}
