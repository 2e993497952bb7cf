// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Parts of pods that are killed at random moments of their lives.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.emulatorOfRkt), .podLogs, .timeLimit(.minutes(90)))
struct PodCrashTests {
    /// What is going on when something is killed.
    enum Moment: CaseIterable {
        case prepare, run, runPrepared, stop, remove, collect
    }

    /// Which process is killed: the command itself, the supervisor of the pod (`rkt run` becomes it), or QEMU.
    enum Victim: CaseIterable {
        case command, supervisor, machine

        var moments: [Moment] {
            switch self {
            case .command: Moment.allCases
            case .supervisor: [.stop]
            case .machine: [.run, .runPrepared, .stop]
            }
        }
    }

    @Test func killedPartsLeaveNothing() async throws {
        try await PodFixture.with { fixture in
            let seed = SeededGenerator.printedSeed(for: "killedPartsLeaveNothing")
            var generator = SeededGenerator(seed: seed)
            let life = PodLife(fixture)
            var durations: [Moment: Double] = [:]
            for moment in Moment.allCases { durations[moment] = try await life.duration(of: moment) }
            var killed: [Victim: Int] = [:]
            let rounds = Soak.choose(100, sample: 3)
            // Samples begin with another moment each time.
            let first = Int.random(in: 0..<Moment.allCases.count, using: &generator)
            for victim in Victim.allCases {
                for round in 0..<rounds {
                    let moment = victim.moments[(first + round) % victim.moments.count]
                    let time = Double.random(in: 0..<1, using: &generator) * durations[moment, default: 0]
                    if try await life.kill(victim, of: moment, after: time) { killed[victim, default: 0] += 1 }
                    try await life.expectNothingLeft("\(victim) of \(moment), killed after \(time) s")
                }
            }
            print("killedPartsLeaveNothing: of \(rounds) each were killed before their end: \(killed)")
            #expect(killed.values.reduce(0, +) > rounds)
        }
    }
}

/// The commands of a pod's life, each with a pod in the state that it needs.
private struct PodLife {
    typealias Moment = PodCrashTests.Moment
    typealias Victim = PodCrashTests.Victim

    private let fixture: PodFixture
    private let app = PodFixture.busybox("trap 'exit 0' TERM; sleep 0.3; echo done")

    init(_ fixture: PodFixture) { self.fixture = fixture }

    /// Seconds from the start of a command to its end.
    func duration(of moment: Moment) async throws -> Double {
        let scene = try await arrange(for: moment)
        let start = Clock.microseconds
        let outcome = try await fixture.start(scene.command).end()
        let duration = Double(Clock.microseconds - start) / 1e6
        #expect(outcome.status == 0, "\(outcome.error)")
        _ = try await scene.pod?.process.end()
        try await expectNothingLeft("\(moment)")
        return duration
    }

    /// Kills a part of what goes on, and waits until everything has come to its end.
    ///
    /// - Returns: whether the part was still alive.
    func kill(_ victim: Victim, of moment: Moment, after time: Double) async throws -> Bool {
        let scene = try await arrange(for: moment)
        let command = try fixture.start(scene.command)
        try await Task.sleep(for: .seconds(time), tolerance: .zero)
        let supervisor = scene.pod?.process ?? command
        var wasAlive = false
        switch victim {
        case .command:
            command.kill()
            wasAlive = try command.child.wait() == .signalled(9)
        case .supervisor:
            supervisor.kill()
            wasAlive = try supervisor.child.wait() == .signalled(9)
        case .machine:
            // It takes a moment until there is one.
            try await eventually("QEMU, or the end of the command") {
                for process in HostTraces.descendants(of: supervisor.child.pid)
                where process.name == "qemu-system-x86" && !process.hasEnded {
                    Glibc.kill(process.pid, SIGKILL)
                    wasAlive = true
                }
                return wasAlive || !supervisor.isRunning
            }
        }
        _ = try await command.end(within: .seconds(60))
        if let pod = scene.pod {
            // A killed `stop` may not have asked the pod to end.
            if pod.process.isRunning {
                let stop = try await fixture.rkt("stop", pod.uuid)
                #expect(stop.status == 0 || !pod.process.isRunning, "\(stop.error)")
            }
            _ = try await pod.process.end(within: .seconds(60))
        }
        return wasAlive
    }

    /// Every command takes what a kill has left as it is, and collecting removes it.
    func expectNothingLeft(_ what: String) async throws {
        // Those whose parent was killed end by themselves.
        try await eventually("the end of all processes of the pod: \(what)", within: .seconds(5)) {
            HostTraces.processes(using: fixture.data).isEmpty
        }
        for command in [["list"], ["list", "--format=json"], ["image", "list"]] + fixture.uuids.map({ ["status", $0] })
        {
            let outcome = try await fixture.rkt(command)
            #expect(outcome.status == 0, "\(command) after \(what): \(outcome.error)")
            #expect(outcome.complaints == [], "\(command) after \(what)")
        }
        let prepared = try await fixture.rkt(["prepare"] + app)
        #expect(prepared.status == 0, "prepare after \(what): \(prepared.error)")
        let collect = try await fixture.rkt("gc", "--grace-period=0s", "--expire-prepared=0s")
        #expect(collect.status == 0, "gc after \(what): \(collect.error)")
        #expect(collect.complaints.allSatisfy { $0.hasPrefix("gc: moving ") }, "after \(what): \(collect.error)")
        #expect(try HostTraces.below(fixture.data) == [], "\(what)")
    }

    private struct Scene {
        let command: [String]
        /// The running pod that the command is about.
        var pod: RunningPod?
    }

    private func arrange(for moment: Moment) async throws -> Scene {
        switch moment {
        case .prepare: return Scene(command: ["prepare"] + app)
        case .run: return Scene(command: ["run"] + app)
        case .runPrepared: return Scene(command: ["run-prepared", try await prepare()])
        case .stop:
            let pod = try await fixture.run(script: "trap 'exit 0' TERM; while :; do sleep 1 & wait; done")
            return Scene(command: ["stop", pod.uuid], pod: pod)
        case .remove: return Scene(command: ["rm", try await exited(), try await prepare()])
        case .collect:
            _ = try await exited()
            _ = try await prepare()
            return Scene(command: ["gc", "--grace-period=0s", "--expire-prepared=0s"])
        }
    }

    private func prepare() async throws -> String {
        let outcome = try await fixture.rkt(["prepare"] + app)
        return try #require(outcome.lines.first, "\(outcome.error)")
    }

    /// A pod whose supervisor was killed right away has ended, and still has its mounts.
    private func exited() async throws -> String {
        let uuid = try await prepare()
        let process = try fixture.start(["run-prepared", uuid])
        try await eventually("the hypervisor") {
            HostTraces.descendants(of: process.child.pid).contains { $0.name == "qemu-system-x86" }
        }
        process.kill()
        try await eventually("the end of the pod", within: .seconds(5)) {
            HostTraces.processes(using: fixture.data).isEmpty
        }
        return uuid
    }
}
