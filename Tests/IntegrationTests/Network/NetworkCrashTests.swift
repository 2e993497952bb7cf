// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods that are killed at all moments leave nothing of their networks.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.emulatorOfRkt), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(90)))
struct NetworkCrashTests {
    /// Who is killed while ADD runs.
    private enum Victim: CaseIterable {
        /// `rkt run`, which is to be the supervisor.
        case supervisor
        /// Stage1, which runs the plugin.
        case stage1
        case plugin
        /// All of them, the last one first.
        case all
    }

    @Test func killedPodsLeaveNothingOfTheirNetworks() async throws {
        try await PodFixture.with { fixture in
            let seed = SeededGenerator.printedSeed(for: "killedPodsLeaveNothingOfTheirNetworks")
            var generator = SeededGenerator(seed: seed)
            let life = try await NetworkLife(fixture)
            let start = Clock.microseconds
            let duration = try await life.runToItsEnd { Double(Clock.microseconds - start) / 1e6 }
            let before = try await life.scene.traces()
            let rounds = Soak.choose(100, sample: 8)
            // Samples begin with another case each time.
            let first = Int.random(in: 0..<12, using: &generator)
            var killed = 0
            for round in 0..<rounds {
                // Every third pod's port is led to it by iptables.
                try await life.hideNft(round % 3 == 0)
                let number = first + round / 2
                let what: String
                if round % 2 == 0 {
                    let place = GatedNetwork.Place.allCases[number % 3]
                    let victim = Victim.allCases[number / 3 % 4]
                    what = "\(victim) killed in ADD, \(place)"
                    try await kill(victim, at: place, life)
                    killed += 1
                } else {
                    let time = Double.random(in: 0..<1, using: &generator) * duration
                    what = "supervisor and QEMU killed after \(time) s"
                    if try await kill(after: time, life) { killed += 1 }
                }
                guard try await life.expectNothingLeft(what, before) else { return }
            }
            print("killedPodsLeaveNothingOfTheirNetworks: \(killed) of \(rounds) were killed before their end")
            #expect(killed > rounds / 2)
        }
    }

    private func kill(_ victim: Victim, at place: GatedNetwork.Place, _ life: NetworkLife) async throws {
        try life.network.stop("ADD", at: place)
        let pod = try life.fixture.start(life.network.pod)
        let plugin = try await life.network.plugin(of: pod)
        // What works for the pod now has its number from the plugin's parents.
        let stage1 = HostTraces.descendants(of: pod.child.pid).filter { $0.name == "preflight" }.map(\.pid)
        #expect(!stage1.isEmpty)
        try life.network.stop()
        switch victim {
        case .supervisor: pod.kill()
        case .stage1: for pid in stage1 { Glibc.kill(pid, SIGKILL) }
        case .plugin: Glibc.kill(plugin, SIGKILL)
        case .all:
            for pid in [plugin] + stage1 { Glibc.kill(pid, SIGKILL) }
            pod.kill()
        }
        let outcome = try await pod.end(within: .seconds(60))
        switch victim {
        case .supervisor, .all: #expect(outcome.status == 128 + 9)
        case .stage1, .plugin:
            // Whoever is left to tell it does, and takes the pod away.
            #expect(outcome.status == 254)
            #expect(outcome.complaints.count == 1, "\(outcome.error)")
            #expect(life.fixture.uuids.isEmpty)
        }
    }

    private func kill(after time: Double, _ life: NetworkLife) async throws -> Bool {
        let pod = try life.fixture.start(life.network.pod)
        try await Task.sleep(for: .seconds(time), tolerance: .zero)
        let wasAlive = pod.isRunning
        let machine = HostTraces.descendants(of: pod.child.pid).first { $0.name == "qemu-system-x86" }
        pod.kill()
        if let machine { Glibc.kill(machine.pid, SIGKILL) }
        return wasAlive
    }

    @Test(arguments: Soak.choose([GatedNetwork.Place.begin, .end], sample: [.end]))
    func aPodIsKilledWhileItLeavesItsNetwork(place: GatedNetwork.Place) async throws {
        try await PodFixture.with { fixture in
            let life = try await NetworkLife(fixture)
            let before = try await life.traces()
            let pod = try await fixture.run(Array(life.network.pod.dropFirst()))
            try life.network.stop("DEL", at: place)
            try pod.process.signal(SIGTERM)
            _ = try await life.network.plugin(of: pod.process)
            try life.network.stop()
            pod.process.kill()
            try await life.expectNothingLeft("killed in DEL, \(place)", before)

            // And so is gc, and once more.
            let next = try await fixture.run(Array(life.network.pod.dropFirst()))
            next.process.killAll()
            for _ in 1...2 {
                try life.network.stop("DEL", at: place)
                try await life.startUntilStopped().kill()
            }
            try life.network.stop()
            try await life.expectNothingLeft("gc killed in DEL, \(place)", before)
        }
    }

    @Test func aPluginThatIsGoneAndAHostThatWasRestartedLeaveNothing() async throws {
        try await PodFixture.with { fixture in
            let life = try await NetworkLife(fixture)
            let before = try await life.traces()
            let pod = try await fixture.run(Array(life.network.pod.dropFirst()))
            pod.process.killAll()
            let plugin = life.scene.file("gated")
            try FileSystem.rename(plugin, to: fixture.path("gated"))
            let gc = try await life.collect()
            #expect(gc.status == 0)
            let told = gc.complaints.filter { !$0.hasPrefix("gc: moving ") }
            #expect(told.count == 1, "\(gc.error)")
            #expect(told.first?.contains("plugin \"gated\" of network \"yard\" is not installed") == true, "\(told)")
            try await life.expectNothingLeft("without the plugin", before)
            try FileSystem.rename(fixture.path("gated"), to: plugin)

            let next = try await fixture.run(Array(life.network.pod.dropFirst()))
            next.process.killAll()
            // A restart takes namespaces, interfaces and rules; leases and rules that were saved are still there.
            #expect(
                try await fixture.onNetwork(
                    "umount /run/netns/cni-\(next.uuid); rm /run/netns/cni-\(next.uuid)"
                ).status == 0)
            try await life.expectNothingLeft("after a restart", before)
        }
    }

    @Test func aPodWhoseNetworkDoesNotLetGoIsKeptUntilItDoes() async throws {
        try await PodFixture.with { fixture in
            let life = try await NetworkLife(fixture)
            let before = try await life.traces()
            // Two are killed in ADD; only one of them has a plugin that fails.
            try life.network.stop("ADD", at: .end)
            let pod = try fixture.start(life.network.pod)
            _ = try await life.network.plugin(of: pod)
            pod.killAll()
            let bad = try #require(fixture.uuids.first)
            try life.network.stop()
            let other = try fixture.start(
                ["run", life.scene.flag, "--net=default"] + PodFixture.busybox("echo up; sleep 100000"))
            try await eventually("the other pod's namespace") {
                fixture.uuids.contains { uuid in
                    uuid != bad
                        && FileSystem.exists(
                            fixture.data.appending("pods").appending("run").appending(uuid).appending("net-info.json"))
                }
            }
            other.killAll()
            try FileSystem.write([], to: life.network.refusal)

            let gc = try await life.collect()
            #expect(gc.status == 254)
            let told = gc.complaints.filter { !$0.hasPrefix("gc: moving ") }
            #expect(told.count == 1, "\(gc.error)")
            for word in ["networking: ", bad, "the switch does not answer", "\"yard\"", "run `rkt gc` again"] {
                #expect(told.first?.contains(word) == true, "\(told)")
            }
            #expect(fixture.uuids == [bad])
            #expect(try await fixture.status(bad)["state"] == "exited garbage")
            let remove = try await fixture.rkt("rm", bad)
            #expect(remove.status == 254)
            #expect(remove.error.contains("the switch does not answer"))
            #expect(fixture.uuids == [bad])

            try FileSystem.remove(life.network.refusal)
            try await life.expectNothingLeft("the plugin works again", before)
        }
    }
}

/// A network for pods that are killed, and what has to be left of them.
private struct NetworkLife {
    let fixture: PodFixture
    let scene: NetworkScene
    let network: GatedNetwork

    init(_ fixture: PodFixture) async throws {
        self.fixture = fixture
        scene = try await NetworkScene(fixture)
        network = try await GatedNetwork(scene)
    }

    /// Runs a pod to its end, and returns what is asked for when it is up. After that, what is the network's is there.
    func runToItsEnd<Value>(_ whenUp: () -> Value) async throws -> Value {
        let pod = try await fixture.run(Array(network.pod.dropFirst()))
        let value = whenUp()
        let traces = try await scene.traces().joined(separator: "\n")
        for trace in ["link veth", "/run/netns/cni-\(pod.uuid)", "yard/10.77.0.", pod.uuid, "rkt-\(pod.uuid)"] {
            #expect(traces.contains(trace), "\(traces)")
        }
        #expect(try await pod.stop().status == 0)
        _ = try await collect()
        return value
    }

    /// What is there beside pods.
    func traces() async throws -> [String] {
        _ = try await fixture.onNetwork(
            """
            ip link add yard0 type bridge && ip addr add 10.77.0.1/24 dev yard0 && ip link set yard0 up
            """)
        return try await scene.traces()
    }

    func hideNft(_ isHidden: Bool) async throws {
        _ = try await fixture.onNetwork(
            "while grep -q ' /usr/sbin/nft ' /proc/self/mountinfo; do umount /usr/sbin/nft; done"
                + (isHidden ? "; mount --bind /dev/null /usr/sbin/nft" : ""))
    }

    /// What a plugin has started may be there until the pod is collected; what rkt has started ends by itself.
    func awaitUnlocking() async throws {
        try await eventually("the end of the pod's lock", within: .seconds(20)) {
            !HostTraces.processes(using: fixture.data).contains { line in
                ["(rkt)", "(preflight)", "(run)", "(gc)", "(qemu-system-x86)", "(virtiofsd)", "(systemd-journal)"]
                    .contains {
                        line.hasSuffix($0)
                    }
            }
        }
    }

    /// Collects all pods that have ended. A process that is ending holds its pod's lock a little longer than it can be
    /// seen, so this is tried again while it does nothing.
    func collect() async throws -> HostProcess.Outcome {
        try await awaitUnlocking()
        let deadline = Clock.milliseconds + 20_000
        while true {
            let outcome = try await start().end()
            let hasDoneSomething = outcome.status != 0 || outcome.error.contains("gc: ") || !outcome.lines.isEmpty
            if hasDoneSomething || fixture.uuids.isEmpty || Clock.milliseconds > deadline { return outcome }
        }
    }

    /// Starts collecting all pods that have ended.
    func start() throws -> HostProcess {
        try fixture.start(["gc", scene.flag, "--grace-period=0s", "--expire-prepared=0s"])
    }

    /// Starts collecting, and waits until the plugin has stopped. As above, it is tried again while it does nothing.
    func startUntilStopped() async throws -> HostProcess {
        try await awaitUnlocking()
        let deadline = Clock.milliseconds + 20_000
        while true {
            let gc = try start()
            do {
                _ = try await network.plugin(of: gc)
                return gc
            } catch is FixtureError where Clock.milliseconds < deadline {
                continue
            }
        }
    }

    /// - Returns: whether nothing is left.
    @discardableResult
    func expectNothingLeft(_ what: String, _ before: [String]) async throws -> Bool {
        let gc = try await collect()
        #expect(gc.status == 0, "gc after \(what): \(gc.error)")
        #expect(gc.complaints.allSatisfy { $0.hasPrefix("gc: moving ") }, "after \(what): \(gc.error)")
        #expect(try HostTraces.below(fixture.data) == [], "\(what)")
        let after = try await scene.settledTraces(before)
        let difference = NetworkScene.difference(after, before)
        #expect(difference == [], "\(what)")
        return gc.status == 0 && difference.isEmpty
    }
}
