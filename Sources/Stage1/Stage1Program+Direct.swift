// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

/// Pods without a machine: this process becomes the app, and nothing supervises it.
extension Stage1Program {
    /// This process can become one app only.
    func requireOneApp(_ hypervisor: any Hypervisor) throws {
        let count = try PodManifest(parsing: FileSystem.read(pod.manifest)).apps.count
        guard count == 1 else {
            throw RuntimeError(
                .unsupported,
                "\(hypervisor.kind) only supports 1 application per Pod for now, this pod has \(count); run the others "
                    + "in pods of their own")
        }
    }

    /// The `run` entrypoint. The pod runs as long as the app, or whatever that leaves, has the pod's lock open.
    func becomeApp(_ arguments: EntrypointArguments, _ hypervisor: any DirectHypervisor) throws -> Never {
        let plan = try plan(arguments, hypervisor)
        let errors = ErrorStream()
        let manager = UnitNotifier(unitVariables) { errors.notice("stage1: warning: \($0)") }
        manager.starting()
        let speaksItself = plan.configuration.apps.contains { $0.supportsNotify }
        if manager.watchdog != nil, !speaksItself {
            errors.notice(
                "stage1: warning: the unit has WatchdogSec= and its app has not the annotation \(AppPlan.notifyAnnotation): "
                    + "nobody gives systemd a sign of life")
        }
        for warning in plan.warnings { errors.notice("stage1: warning: \(warning)") }
        for directory in [pod.statuses, pod.environments] { try FileSystem.makeDirectories(directory) }
        try plan.volumes.make()
        for (number, file) in plan.configuration.sharedFiles.enumerated() {
            let path = pod.sharedFile(number)
            try FileSystem.makeDirectories(path.removingLastComponent())
            try FileSystem.write(file.contents, to: path)
        }
        for app in plan.configuration.apps { try writeEnvironment(of: app) }
        let spec = speaksItself ? plan.machine.notifying(unitVariables) : plan.machine
        var record = MachineRecord(
            backend: hypervisor.kind, version: Version.current, accelerator: nil,
            isolation: try hypervisor.isolation(of: spec), memory: spec.memory, processors: spec.processors,
            isolators: plan.isolators)
        record.statement.exports = plan.exports
        record.statement.measurement = try measure(spec, hypervisor, errors).0
        record.statement.root = "private"
        try record.write(to: pod.machineRecord)
        try EndRecord.keepingUntilApp(in: pod) {
            try hypervisor.become(
                spec,
                trace: { plan in
                    guard arguments.debug else { return }
                    for line in PrintableText.lines("stage1: \(plan)") { errors.notice(line) }
                },
                prepared: {
                    try tellProcess()
                    if !speaksItself { manager.ready(plan.configuration.apps.map(\.name)) }
                    manager.sayAll()
                })
        }
    }

    /// From here on `stop` and `enter` find the pod.
    private func tellProcess() throws {
        try FileSystem.writeAtomically("\(getpgrp())\n".utf8, to: pod.groupFile)
        try ProcessIdentity(of: getpid()).record(in: pod)
        // Nobody will be there to say it later.
        if !FileSystem.exists(pod.supervisorStatus) {
            try FileSystem.makeSymbolicLink(to: "ready", at: pod.supervisorStatus)
        }
    }

    /// The `enter` entrypoint: a command with the app's mounts, root, environment and user.
    func enterApp(_ request: EnterClient.Arguments, _ hypervisor: any DirectHypervisor) throws -> Never {
        guard let process = request.process, process > 1 else {
            throw RuntimeError(.invalidArgument, "the process of the pod is missing: --pid=PID")
        }
        let recorded = try ProcessIdentity(recordedIn: pod)
        guard recorded.pid == process else {
            throw RuntimeError(.invalidState, "process \(process) is not the pod's, which is \(recorded.pid)")
        }
        let manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
        guard let app = manifest.apps.first(where: { $0.name.string == request.app }) else {
            throw RuntimeError(.notFound, "the pod has no app \(request.app)")
        }
        // The streams are this program's own, whatever the app's are.
        let arguments = try EntrypointArguments(
            parsing: ["--interactive", pod.directory.lastComponent?.string ?? "pod"])
        let plan = try AppPlan(app, pod: pod, arguments: arguments.withoutConfinement)
        let user = try plan.configuration()
        var environment = try FileSystem.readText(pod.environment(request.app), limit: 16 << 20)
            .split(separator: "\0").map(String.init)
        if let type = ProcessImage.variable("TERM") {
            environment.removeAll { $0.hasPrefix("TERM=") }
            environment.append("TERM=\(type)")
        }
        let program = AppProgram(
            arguments: request.command, environment: environment,
            user: ProgramUser(uid: user.uid, gid: user.gid, supplementaryGIDs: user.supplementaryGIDs))
        try hypervisor.enter(program, root: pod.appRootfs(request.app), beside: recorded)
    }
}
