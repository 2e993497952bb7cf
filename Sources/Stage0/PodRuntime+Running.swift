// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Runs a command inside an app of a running pod: this program becomes it.
    ///
    /// - Parameter command: empty means a shell.
    /// - Throws: code `timeout` when the pod ended before it could be entered.
    package func enter(_ prefix: String, app: String?, command: [String]) throws -> Never {
        let pod = try pods.find(prefix)
        guard pod.state == .running else {
            throw RuntimeError(.invalidState, "pod \"\(pod.uuid)\" isn't currently running")
        }
        let names = try pod.manifest().apps.map(\.name.string)
        let app = try PodRuntime.chooseApp(app, of: names, in: pod.uuid)
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        guard let entrypoint = interface.path(.enter) else {
            throw RuntimeError(.unsupported, "the stage1 image of pod \"\(pod.uuid)\" has no enter entrypoint")
        }
        var command = command
        if command.isEmpty {
            command = ["/bin/bash"]
            notices.write("enter", "no command specified, assuming \"/bin/bash\"")
        }
        let pid = try waitForProcess(of: pod)
        try EntrypointCall(layout: pod.layout).execute(
            entrypoint, interface.enterArguments(pid: pid, app: app, command: command))
    }

    /// The app to work on: the one named, else the only one there is.
    package static func chooseApp(_ name: String?, of names: [String], in uuid: PodUUID) throws -> String {
        if let name {
            guard names.contains(name) else {
                throw RuntimeError(.notFound, "pod \"\(uuid)\" has no app \"\(name)\"; it has \(quoted(names))")
            }
            return name
        }
        guard let only = names.first else { throw RuntimeError(.notFound, "pod \"\(uuid)\" contains zero apps") }
        guard names.count == 1 else {
            throw RuntimeError(
                .invalidArgument,
                "unable to determine app name: pod \"\(uuid)\" contains \(quoted(names)); choose one with --app")
        }
        return only
    }

    private static func quoted(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }

    /// Waits until stage1 has told its process; a pod is running before that.
    func waitForProcess(of pod: Pod) throws -> Int32 {
        var backoff = Backoff()
        while true {
            if let pid = pod.pid { return pid }
            guard pods.pod(pod.uuid)?.state == .running else {
                throw RuntimeError(.timeout, "pod \"\(pod.uuid)\" ended before it could be entered")
            }
            _ = backoff.pause()
        }
    }

    /// Asks a pod to end.
    ///
    /// - Parameter force: kill it instead.
    /// - Returns: whether it ran; one that does not is left alone.
    package func stop(_ prefix: String, force: Bool) throws -> (uuid: PodUUID, wasRunning: Bool) {
        let pod = try pods.find(prefix)
        guard pod.state == .running else { return (pod.uuid, false) }
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(pod.layout.stage1Manifest)))
        guard let entrypoint = interface.path(.stop) else {
            throw RuntimeError(.unsupported, "the stage1 image of pod \"\(pod.uuid)\" has no stop entrypoint")
        }
        let exit = try EntrypointCall(layout: pod.layout).spawn(
            entrypoint, interface.stopArguments(force: force, uuid: pod.uuid), readsInput: false)
        guard exit == .exited(0) || pods.pod(pod.uuid)?.state != .running else {
            throw RuntimeError(.internal, "the stop entrypoint of pod \"\(pod.uuid)\" ended with \(exit)")
        }
        return (pod.uuid, true)
    }
}
