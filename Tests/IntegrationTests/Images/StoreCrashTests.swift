// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Commands that are killed at random moments while they change the image store.
@Suite(.requiresBuild, .requiresRoot, .requires("sqlite3"), .podLogs, .timeLimit(.minutes(30)))
struct StoreCrashTests {
    enum Victim: CaseIterable { case fetch, prepare, copyingPrepare, remove, collect }

    @Test func killedCommandsLeaveAStoreThatWorks() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let images = try StoreImages(fixture, count: 2, large: 200)
            let seed = SeededGenerator.printedSeed(for: "killedCommandsLeaveAStoreThatWorks")
            var generator = SeededGenerator(seed: seed)
            var run = CrashRun(fixture, images)
            var durations: [Victim: Double] = [:]
            for victim in Victim.allCases { durations[victim] = try await run.duration(of: victim) }
            var killed = 0
            let moments = Soak.choose(200, sample: 12)
            for index in 0..<moments {
                let victim = Victim.allCases[index % Victim.allCases.count]
                let moment = Double.random(in: 0..<1, using: &generator) * durations[victim, default: 0]
                try await run.kill(victim, after: .seconds(moment))
                killed += run.wasKilled ? 1 : 0
            }
            print("killedCommandsLeaveAStoreThatWorks: \(killed) of \(moments) were killed, \(run.leftovers)")
            #expect(killed > moments / 3)
        }
    }
}

/// A store in which one command after the other is killed.
private struct CrashRun {
    typealias Victim = StoreCrashTests.Victim

    /// Whether the last command was killed before it had ended.
    private(set) var wasKilled = false
    /// How often a killed command has left what.
    private(set) var leftovers: [String: Int] = [:]
    private let fixture: PodFixture
    private let images: StoreImages
    private let log: FilePath

    init(_ fixture: PodFixture, _ images: StoreImages) {
        self.fixture = fixture
        self.images = images
        log = fixture.path("command")
    }

    /// Seconds that a command takes when nobody kills it: the median of three.
    mutating func duration(of victim: Victim) async throws -> Double {
        var durations: [Double] = []
        for _ in 0..<3 {
            try await arrange(for: victim)
            let start = Clock.microseconds
            try await succeed(arguments(of: victim), told: tells(victim))
            durations.append(Double(Clock.microseconds - start) / 1e6)
        }
        return durations.sorted()[1]
    }

    /// Kills a command at a moment after its start, and looks at what it has left.
    mutating func kill(_ victim: Victim, after moment: Duration) async throws {
        try await arrange(for: victim)
        let process = try start(arguments(of: victim))
        try await Task.sleep(for: moment, tolerance: .zero)
        process.kill()
        wasKilled = try process.child.wait() == .signalled(9)
        for flaw in try StoreFlaws.all(in: fixture.data, beforeCollection: true) {
            leftovers["\(victim): " + flaw.prefix { !".:-".contains($0) }, default: 0] += 1
        }

        // What is listed is complete, and so is what was rendered.
        let ids = try await succeed(["image", "list", "--full", "--fields=id", "--no-legend"]).lines
        for id in ids { try await succeed(["image", "verify", id]) }
        // The same works now, and what it takes up again is complete, too.
        try await succeed(arguments(of: victim), told: tells(victim))
        if !tells(victim) { try await succeed(["image", "verify", images.apps[0].name]) }
        try await succeed(["gc", "--grace-period=0s", "--expire-prepared=0s"], told: true)
        try await succeed(["image", "gc"], told: true)
        #expect(try StoreFlaws.all(in: fixture.data) == [], "\(victim) after \(moment)")
        // A process that was killed is gone a moment later than it can be waited for.
        let deadline = Clock.milliseconds + 30_000
        while !HostTraces.processes(using: fixture.data).isEmpty, Clock.milliseconds < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        let left = try HostTraces.below(fixture.data)
        #expect(left == [], "\(victim) after \(moment)")
        #expect(try StoreFlaws.trees(in: fixture.data) == [])
    }

    /// Brings the store into the state in which a command has something to do.
    private func arrange(for victim: Victim) async throws {
        try await succeed(["image", "gc", "--grace-period=0s"], told: true)
        try await succeed(["fetch", images.stage1.path.string])
        try await succeed(["fetch", images.apps[1].path.string])
        guard victim != .fetch else { return }
        try await succeed(["fetch", images.apps[0].path.string])
        guard victim == .remove || victim == .collect else { return }
        try await succeed(arguments(of: .prepare))
        try await succeed(["gc", "--grace-period=0s", "--expire-prepared=0s"], told: true)
    }

    private func arguments(of victim: Victim) -> [String] {
        let prepare = ["--stage1-path=\(images.stage1.path)", images.apps[0].path.string]
        return switch victim {
        case .fetch: ["fetch", images.apps[0].path.string]
        case .prepare: ["prepare"] + prepare
        case .copyingPrepare: ["prepare", "--no-overlay=true"] + prepare
        case .remove: ["image", "rm", images.apps[0].name, images.stage1.name]
        case .collect: ["image", "gc", "--grace-period=0s"]
        }
    }

    private func start(_ arguments: [String]) throws -> HostProcess {
        try HostProcess(
            BuildProducts.rkt, ["--dir=\(fixture.data)", "--insecure-options=image"] + arguments, log: log)
    }

    /// Whether a command says on standard error what it has removed.
    private func tells(_ victim: Victim) -> Bool { victim == .remove || victim == .collect }

    /// Runs a command that must succeed, without a complaint unless it tells what it does.
    @discardableResult
    private func succeed(_ arguments: [String], told: Bool = false) async throws -> HostProcess.Outcome {
        let outcome = try await start(arguments).end()
        #expect(outcome.status == 0, "\(arguments.joined(separator: " ")): \(outcome.error)")
        if !told { #expect(outcome.complaints == [], "\(arguments.joined(separator: " "))") }
        return outcome
    }
}
