// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import LinuxPlatform
import Stage1
import TestSupport
import Testing

/// What the host's systemd is told of a pod that is a unit's main process.
@Suite(.timeLimit(.minutes(5)))
struct UnitNotifierTests {
    /// Boots the guest: from then on signals are the supervisor's.
    private func start(_ pod: SupervisedPod) async throws {
        try pod.boot()
        _ = try await pod.hear(on: pod.machine.bootPort)
        try pod.connectAgent()
    }

    @Test(arguments: [false, true]) func `the unit is ready when the pod is`(isAbstract: Bool) async throws {
        let manager = try NotifiedManager(isAbstract: isAbstract)
        let pod = try SupervisedPod(apps: ["web", "db"], variables: manager.variables)
        try pod.boot()
        try pod.connectAgent()
        try pod.say(.appExit(app: "db", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "db"))
        #expect(manager.assignments().isEmpty)
        try pod.say(.ready)
        try pod.say(.ready)
        try await manager.awaitAssignment("READY=1")
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        _ = try await pod.end()
        #expect(
            manager.assignments() == [
                "READY=1", "STATUS=running web db", "STOPPING=1", "STATUS=stopping", "STATUS=completed",
            ])
    }

    @Test func `a stop is told once, and what comes ready after it is not`() async throws {
        let manager = try NotifiedManager()
        let pod = try SupervisedPod(variables: manager.variables)
        try await start(pod)
        pod.thread.signal(SIGTERM)
        try await manager.awaitAssignment("STOPPING=1")
        #expect(try await pod.hear() == .stop)
        try pod.say(.ready)
        try pod.say(.appExit(app: "web", status: 0, cause: .stopped))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        _ = try await pod.end()
        #expect(manager.assignments() == ["STOPPING=1", "STATUS=stopping", "STATUS=completed"])
    }

    @Test func `the unit's status names the app that failed first`() async throws {
        let manager = try NotifiedManager()
        let pod = try SupervisedPod(apps: ["web", "db"], variables: manager.variables)
        try pod.connectAgent()
        for (app, status) in [("db", Int32(42)), ("web", 1)] {
            try pod.say(.appExit(app: app, status: status, cause: .exited))
            #expect(try await pod.hear() == .exitRecorded(app: app))
        }
        #expect(try await pod.end().status == 42)
        #expect(manager.assignments().last == "STATUS=app db ended with 42")
    }

    @Test func `what the guest says is no assignment`() async throws {
        let manager = try NotifiedManager()
        let pod = try SupervisedPod(variables: manager.variables)
        try pod.boot()
        try pod.say(.failed("no\nMAINPID=1\nREADY=1"), on: pod.machine.bootPort)
        try pod.say(.hello(version: 0, role: .shim), on: pod.machine.bootPort)
        _ = try await pod.thread.value()
        #expect(
            manager.assignments() == ["STOPPING=1", "STATUS=stopping", "STATUS=the guest could not set up the pod"])
    }

    @Test func `a manager that has gone is complained of once`() async throws {
        let manager = try NotifiedManager()
        let pod = try SupervisedPod(variables: manager.variables)
        try await start(pod)
        manager.close()
        try pod.say(.ready)
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        #expect(try await pod.end().status == 0)
        #expect(pod.complaints.split(separator: "\n").count { $0.contains("systemd is told nothing more") } == 1)
    }

    @Test func `a systemd that has no time holds up nobody, and is told all when it has`() async throws {
        let manager = try NotifiedManager()
        try manager.fill()
        let pod = try SupervisedPod(variables: manager.variables)
        try await start(pod)
        try pod.say(.ready)
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        try await manager.awaitAssignment("READY=1")
        #expect(try await pod.end().status == 0)
        #expect(
            manager.assignments().filter { $0 != "STATUS=busy" } == [
                "READY=1", "STATUS=running web", "STOPPING=1", "STATUS=stopping", "STATUS=completed",
            ])
        #expect(!pod.complaints.contains("systemd is told nothing more"))
    }

    @Test func `an address of another kind is a warning, and no address is none`() throws {
        var lines: [String] = []
        UnitNotifier(.init(socket: "vsock:2:1234")) { lines.append($0) }.starting()
        #expect(lines.count == 1 && lines[0].contains("vsock:2:1234"))
        UnitNotifier(.init()) { lines.append($0) }.starting()
        #expect(lines.count == 1)
    }

    @Test func `a long list of apps fits into a message`() throws {
        let manager = try NotifiedManager()
        let names = (0..<2000).map { "app-\($0)" }
        UnitNotifier(manager.variables) { Issue.record("\($0)") }.ready(names)
        #expect(manager.assignments().first == "READY=1")
        #expect(manager.messages.allSatisfy { $0.utf8.count < 4096 })
    }

    @Test(
        arguments: [
            (["WATCHDOG_USEC": "30000000"], 30_000_000), (["WATCHDOG_USEC": "5", "WATCHDOG_PID": "7"], 5),
            (["WATCHDOG_USEC": "5", "WATCHDOG_PID": "8"], nil), (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "soon"], nil), ([:], nil),
        ] as [([String: String], Int?)])
    func `a watchdog counts where it is this process's`(variables: [String: String], time: Int?) {
        #expect(UnitNotifier.Variables(process: 7) { variables[$0] }.watchdog == time)
    }

    @Test func `machinectl poweroff is an orderly stop, however often it is said`() async throws {
        let pod = try SupervisedPod()
        try await start(pod)
        for signal in [MachineSignal.powerOff, MachineSignal.halt, MachineSignal.powerOff] {
            pod.thread.signal(signal)
        }
        #expect(try await pod.hear() == .stop)
        try pod.say(.appExit(app: "web", status: 0, cause: .stopped))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        #expect(try await pod.end().status == 0)
    }

    @Test(arguments: [(Int64(64) << 20, true), (64 << 30, false), (nil, false)] as [(Int64?, Bool)])
    func `a unit with less memory than the machine is warned of`(limit: Int64?, isWarned: Bool) throws {
        let pod = try PlannedPod()
        let warnings = try pod.plan(memoryLimit: limit).warnings.filter { $0.contains("MemoryMax=") }
        #expect(warnings.count == (isWarned ? 1 : 0))
        // The kernel's memory is not the container's.
        #expect(try pod.plan(capabilities: [.agent, .hostNetwork], memoryLimit: limit).warnings.isEmpty)
    }

    @Test func `a hypervisor killed for lack of memory is told as such`() {
        var outcome = PodOutcome(failure: .hypervisorDied(.signalled(9)))
        #expect(outcome.message?.contains("MemoryMax=") == false)
        outcome.lackedMemory = true
        #expect(outcome.message?.contains("MemoryMax=") == true)
    }

    @Test func `what the guest says of its own end is told at once, and once`() async throws {
        let manager = try NotifiedManager()
        let pod = try SupervisedPod(variables: manager.variables)
        try await start(pod)
        try pod.say(.ready)
        for _ in 0..<3 { try pod.say(.stopping) }
        try await manager.awaitAssignment("STOPPING=1")
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        _ = try await pod.end()
        #expect(manager.assignments().count { $0 == "STOPPING=1" } == 1)
    }

    @Test func `systemd's watchdog hears of the guest`() async throws {
        let manager = try NotifiedManager()
        var variables = manager.variables
        // A quarter of it is the time between two pings.
        variables.watchdog = 80_000
        let pod = try SupervisedPod(variables: variables)
        // Until the agent speaks the supervisor does.
        try await manager.awaitAssignment("WATCHDOG=1")
        try await start(pod)
        guard case .ping(let first) = try await pod.hear() else {
            Issue.record("the guest was not asked")
            return
        }
        // What there was no room for in the manager's queue until now comes before the answer to a line.
        _ = manager.assignments()
        try pod.say(.entry(.line(of: "web", "line")))
        guard case .outputCredit(channel: 0, _) = try await pod.hear() else {
            Issue.record("the line was not taken")
            return
        }
        let before = manager.assignments().count
        // Answers to what was not asked are none.
        try pod.say(.pong(number: first &+ 1))
        try pod.say(.pong(number: first))
        try pod.say(.pong(number: first))
        #expect(try await pod.hear() == .ping(number: first &+ 1))
        #expect(manager.assignments().count == before + 1)
        // A guest that hangs is asked no more, and nobody speaks for it.
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        #expect(manager.assignments().count == before + 1)
        pod.thread.signal(SIGTERM)
        #expect(try await pod.hear() == .stop)
        try await eventually("a sign of life while the pod stops") { manager.assignments().last == "WATCHDOG=1" }
        _ = try await pod.end()
    }

    @Test(
        arguments: [
            (nil, "true", true), (nil, "1", true), (nil, "yes", false), (nil, nil, false), ("true", nil, true),
            ("false", "true", false), ("maybe", "true", false),
        ] as [(String?, String?, Bool)])
    func `the app's annotation goes before that of its image`(app: String?, image: String?, isNotified: Bool) throws {
        func list(_ value: String?) -> [String] {
            value.map { [#"{"name":"appc.io/executor/supports-systemd-notify","value":"\#($0)"}"#] } ?? []
        }
        let pod = try PlannedPod(appAnnotations: list(app), imageAnnotations: list(image))
        let configuration = try pod.plan(watchdog: 5_000_000).configuration
        #expect(configuration.apps[0].supportsNotify == isNotified)
        guard case .text(let unit)? = configuration.files.first(where: { $0.path.hasSuffix("/a.service") })?.content
        else {
            Issue.record("the app has no unit")
            return
        }
        #expect(unit.contains("Type=notify\n") == isNotified)
        #expect(unit.contains("WatchdogSec=5000000us\n") == isNotified)
    }
}
