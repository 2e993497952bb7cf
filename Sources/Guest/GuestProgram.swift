// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CGuestBoot
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The one program of the guest that is ours; its first argument, or its name, says what it does.
package enum GuestProgram {
    package static func main(_ arguments: [String]) -> Never {
        if getpid() == 1 {
            if arguments.first == InitialRoot.program { InitialRoot.run() }
            if FilePath(arguments.first ?? "").lastComponent?.string == "systemd-shutdown" { FinalShutdown.asManager() }
            Shim.run()
        }
        do {
            try run(Array(arguments.dropFirst()))
            exit(0)
        } catch {
            fputs("rkt-guest: \(error)\n", stderr)
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) throws {
        switch (arguments.first, arguments.count) {
        case ("agent", 1): try Agent.run()
        case ("ready", 1): try AgentClient.request(.ready)
        case ("stopping", 1): AgentClient.tellStopping()
        case ("poweroff", 1):
            AgentClient.tellStopping()
            FinalShutdown.powerOff()
        case ("exec", 2): try AppLauncher(app: arguments[1], program: .main).run()
        case ("pre-start", 2): try AppLauncher(app: arguments[1], program: .preStart).run()
        case ("post-stop", 2): try AppLauncher(app: arguments[1], program: .postStop).run()
        case ("enter", 4...) where arguments[2] == "--":
            try AppLauncher(app: arguments[1], program: .command(Array(arguments[3...]))).run()
        case ("record", 2):
            let end = AppEnd(
                code: ProcessImage.variable("EXIT_CODE"), status: ProcessImage.variable("EXIT_STATUS"),
                result: ProcessImage.variable("SERVICE_RESULT"), events: AppEnd.ownMemoryEvents())
            try AgentClient.request(.ended(app: arguments[1], status: end.status, cause: end.cause))
        case ("add-app", 2):
            let bytes = try FileSystem.read(.standardInput, "standard input", limit: LiveApp.limit)
            try LiveAppChange(app: arguments[1]).add(LiveApp(decoding: bytes))
        case ("start-app", 2): try LiveAppChange(app: arguments[1]).start()
        case ("stop-app", 2): try LiveAppChange(app: arguments[1]).stop()
        case ("remove-app", 2): try LiveAppChange(app: arguments[1]).remove()
        case ("reap", 2): try AgentClient.request(.reap(app: arguments[1]))
        default:
            throw RuntimeError(.invalidArgument, "unknown arguments \(arguments.joined(separator: " "))")
        }
    }
}
