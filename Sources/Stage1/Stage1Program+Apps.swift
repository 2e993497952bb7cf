// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import Hypervisor
import LinuxPlatform

/// The entrypoints that change the apps of a pod that runs. They cross into the pod through its supervisor.
extension Stage1Program {
    /// - Parameter entrypoint: `app-add`, `app-start`, `app-stop` or `app-rm`.
    func changeApp(_ entrypoint: String, _ arguments: [String]) throws {
        signal(SIGPIPE, SIG_IGN)
        let arguments = try LiveAppArguments(parsing: arguments)
        let messages: [HostMessage] =
            switch entrypoint {
            case "app-start": [.startApp(request: 0, app: arguments.app, run: 0)]
            case "app-stop": [.stopApp(request: 0, app: arguments.app, run: 0)]
            case "app-rm": [.removeApp(request: 0, app: arguments.app)]
            default: try plan(arguments).messages(request: 0)
            }
        try LiveAppClient(socketPath: pod.agentSocket).request(messages)
    }

    private func plan(_ arguments: LiveAppArguments) throws -> LiveApp {
        guard let hypervisor = try knownHypervisor(), hypervisor.capabilities.contains(.agent) else {
            throw RuntimeError(.unsupported, "apps cannot be added to a pod that nothing supervises")
        }
        let hasOwnKernel = hypervisor.capabilities.contains(.ownKernel)
        let plan = try LiveAppPlan(
            pod: pod, app: arguments.app, arguments: arguments.entrypoint, hasOwnKernel: hasOwnKernel,
            controllers: hasOwnKernel ? nil : try ControlGroups.controllersBelow(try supervisor()))
        let errors = ErrorStream()
        for warning in plan.warnings { errors.notice("stage1: warning: \(warning)") }
        return plan.app
    }

    private func supervisor() throws -> Int32 {
        guard let pid = Int32(try FileSystem.readText(pod.pidFile, limit: 64).filter(\.isNumber)) else {
            throw RuntimeError(.invalidState, "\(pod.pidFile) does not hold a process id")
        }
        return pid
    }
}

/// Arguments of these entrypoints: `--app=NAME`, and of `app-add` those of `run` that an app has for itself.
package struct LiveAppArguments: Equatable {
    package private(set) var app = ""
    package let entrypoint: EntrypointArguments

    package init(parsing arguments: [String]) throws {
        var rest: [String] = []
        // The other entrypoints are not told of which pod.
        var uuid = "00000000-0000-0000-0000-000000000000"
        for argument in arguments {
            if argument.hasPrefix("--app=") {
                app = String(argument.dropFirst(6))
            } else if argument.hasPrefix("--uuid=") {
                uuid = String(argument.dropFirst(7))
            } else {
                rest.append(argument)
            }
        }
        guard !app.isEmpty else { throw RuntimeError(.invalidArgument, "the app's name is missing; give --app=NAME") }
        entrypoint = try EntrypointArguments(parsing: rest + [uuid])
    }
}
