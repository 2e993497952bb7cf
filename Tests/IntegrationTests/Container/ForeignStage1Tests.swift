// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods of a stage1 image from somebody else, which is written from the implementor's guide alone.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct ForeignStage1Tests {
    private let insecure = ["--disable-capabilities-restriction", "--disable-paths", "--disable-seccomp"]
    private let names = ["--dns-conf-mode=resolv=default,hosts=default"]

    /// Starts a pod of a stub and waits until `run` has said which process is to be entered.
    private func start(
        _ fixture: PodFixture, _ stub: Stage1Stub, environment: [String: String] = [:]
    ) async throws -> RunningPod {
        fixture.stage1 = stub.image
        let file = fixture.path("uuid")
        let process = try fixture.start(
            ["run", "--uuid-file-save=\(file)"] + PodFixture.busybox(":"), environment: environment)
        var pod: RunningPod?
        try await eventually("the pod's process") {
            guard process.isRunning else { throw FixtureError("run has ended: \(process.error)") }
            guard let uuid = try? FileSystem.readText(file), uuid.utf8.count == 36 else { return false }
            let candidate = RunningPod(fixture: fixture, process: process, uuid: uuid)
            pod = candidate
            return ["pid", "ppid"].contains { FileSystem.exists(candidate.directory.appending($0)) }
        }
        return try #require(pod)
    }

    // MARK: - Arguments

    @Test(arguments: [nil, "1", "2", "3", "4", "5"] as [String?])
    func eachVersionIsToldWhatItKnows(version: String?) async throws {
        try await PodFixture.with { fixture in
            let number = version.flatMap { Int($0) } ?? 1
            let stub = try Stage1Stub(fixture, version: version, .ends(42))
            let configuration = fixture.path("local"), file = fixture.path("uuid")
            try FileSystem.makeDirectory(configuration)
            func rkt(_ arguments: [String]) async throws -> HostProcess.Outcome {
                let options = [
                    "--dir=\(fixture.data)", "--local-config=\(configuration)",
                    "--insecure-options=image,capabilities,paths,seccomp", "--debug",
                ]
                return try await fixture.spawn(BuildProducts.rkt, options + arguments).end()
            }

            let hostname: [String] = number >= 2 ? ["--hostname=box"] : []
            let run = try await rkt(
                ["run", "--stage1-path=\(stub.image)", "--net=none", "--interactive", "--uuid-file-save=\(file)"]
                    + hostname + PodFixture.busybox(":"))
            #expect(run.status == 42, "\(run.error)")
            let uuid = try FileSystem.readText(file)
            var expected = ["--debug", "--net=none", "--interactive", "--local-config=\(configuration)"]
            expected += hostname
            if number >= 3 { expected += insecure }
            if number >= 4 { expected += names }
            expected.append(uuid)
            #expect(try stub.call("run")?.arguments == expected)
            #expect(run.error.contains("--insecure-options=capabilities,paths,seccomp does nothing") == (number < 3))

            let status = try await rkt(["status", uuid])
            #expect(status.lines.contains("state=exited"))
            #expect(status.lines.contains("app-busybox=42"))

            #expect(try await rkt(["gc", "--grace-period=0s"]).status == 0)
            let collected = try #require(try stub.call("gc"))
            let place: [String] = number >= 5 ? ["--local-config=\(configuration)"] : []
            #expect(collected.arguments == ["--debug"] + place + [uuid])
            #expect(collected.name == "stage1/rootfs/ex/gc")
            #expect(collected.directory == fixture.data.pushing(FilePath("pods/exited-garbage/\(uuid)")).string)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    @Test func whatIsAskedForIsPassedOn() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, version: "5")
            fixture.stage1 = stub.image
            let asked: [([String], String, String)] = [
                (["--net=host"], "--net=host", names[0]),
                (["--net=default:IP=172.16.28.9"], "--net=default:IP=172.16.28.9", names[0]),
                (["--dns=192.0.2.7"], "--net=none", "--dns-conf-mode=resolv=stage0,hosts=default"),
                (["--dns=host", "--hosts-entry=host"], "--net=none", "--dns-conf-mode=resolv=host,hosts=host"),
            ]
            for (flags, network, mode) in asked {
                let file = fixture.path("uuid")
                let run = try await fixture.rkt(["run", "--uuid-file-save=\(file)"] + flags + PodFixture.busybox(":"))
                #expect(run.status == 0, "\(run.error)")
                let call = try #require(try stub.call("run"))
                // Where the configuration is nobody has said.
                let rest = call.arguments.filter { !$0.hasPrefix("--local-config=") }
                let uuid = try FileSystem.readText(file)
                #expect(rest == [network, mode, uuid])
                let made = FilePath("pods/run/\(uuid)/stage1/rootfs/etc/rkt-resolv.conf")
                let text = try? FileSystem.readText(fixture.data.pushing(made))
                let isMade = text?.contains("nameserver 192.0.2.7") ?? false
                #expect(isMade == mode.contains("resolv=stage0"))
            }
        }
    }

    // MARK: - The process

    @Test func runGetsThePodsDirectoryItsLockAndTheCallersEnvironment() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, version: "2", .hangs)
            let pod = try await start(fixture, stub, environment: ["GREETING": "two words", "RKT_LOCK_FD": "99"])
            let call = try #require(try stub.call("run"))
            #expect(call.name == "stage1/rootfs/ex/run")
            #expect(call.directory == pod.directory.string)
            #expect(call.lock == pod.directory.string)
            // Nothing else below the data directory is left open.
            #expect(call.descriptors.filter { $0.hasPrefix(fixture.data.string) } == [pod.directory.string])
            let variables = call.environment.filter { !$0.hasPrefix("RKT_LOCK_FD=") }
            #expect(
                variables == [
                    "GREETING=two words", "HOME=/root", "LC_ALL=C", "PATH=\(HostProcess.searchPath)",
                ])
            #expect(call.environment.count == variables.count + 1)
            #expect(
                call.present == [
                    "pod", "stage1/manifest", "stage1/rootfs/opt/stage2/busybox/rootfs", "stage1/rootfs/rkt/env",
                    "stage1/rootfs/rkt/exit-cause", "stage1/rootfs/rkt/status",
                ])
            // The process that the user has started has become stage1, and holds the lock as long as it lives.
            #expect(try await pod.status()["pid"] == "\(pod.process.child.pid)")
            #expect(try await pod.status()["state"] == "running")
            let isUnlocked = try FileLock.tryAcquire(pod.directory, .shared) != nil
            #expect(!isUnlocked)
            #expect(try await fixture.rkt("rm", pod.uuid).status == 254)
            try pod.process.signal(9)
            #expect(try await pod.process.end().status == 137)
            #expect(try await fixture.rkt("status", "--wait=30s", pod.uuid).status == 0)
            #expect(try await pod.status()["state"] == "exited")
        }
    }

    @Test(arguments: [nil, "true"] as [String?])
    func socketsReachOnlyAnImageThatSaysSo(annotation: String?) async throws {
        try await PodFixture.with { fixture in
            let annotations = annotation.map { ["socket-activation": $0] } ?? [:]
            let stub = try Stage1Stub(fixture, version: "5", annotations: annotations)
            let socket = fixture.path("socket")
            try FileSystem.write([], to: socket)
            let script = "exec 3<'\(socket)'; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\""
            let run = ["run", "--net=none", "--stage1-path=\(stub.image)"] + PodFixture.busybox(":")
            let process = try fixture.spawn(
                "/bin/sh", ["-c", script, "sh", BuildProducts.rkt.string] + fixture.options + run)
            let end = try await process.end()
            #expect(end.status == 0, "\(end.error)")
            let call = try #require(try stub.call("run"))
            let listening = call.environment.filter { $0.hasPrefix("LISTEN_") }
            let passed = ["LISTEN_FDS=1", "LISTEN_PID=\(process.child.pid)"]
            #expect(listening == (annotation == nil ? [] : passed))
            #expect(call.descriptors.contains(socket.string) == (annotation != nil))
            #expect(end.error.contains("does not reach the pod") == (annotation == nil))
        }
    }

    // MARK: - Running pods

    @Test func enterIsGivenTheProcessOfThePidFile() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, .hangs)
            let pod = try await start(fixture, stub)
            let command = ["/bin/sh", "-c", "echo \"$0, $1\"; exit 9", "one", "two words"]
            let entered = try await pod.enter(command, environment: ["GREETING": "hello"])
            #expect(entered.status == 9)
            #expect(entered.lines == ["one, two words"])
            let call = try #require(try stub.call("enter"))
            #expect(call.arguments == ["--pid=\(pod.process.child.pid)", "--appname=busybox", "--"] + command)
            #expect(call.name == "stage1/rootfs/ex/enter")
            #expect(call.directory == pod.directory.string)
            #expect(call.environment.contains("GREETING=hello"))
            #expect(call.lock == nil)
            let other = try await pod.enter(app: "other", ["/bin/true"])
            #expect(other.status == 254)
            #expect(other.error.contains("has no app \"other\""), "\(other.error)")
        }
    }

    @Test func enterIsGivenTheOnlyChildOfThePpidFile() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, .hangsWithChild)
            let pod = try await start(fixture, stub)
            let child = try #require(HostTraces.descendants(of: pod.process.child.pid).first)
            #expect(try await pod.enter(["/bin/true"]).status == 0)
            let arguments = ["--pid=\(child.pid)", "--appname=busybox", "--", "/bin/true"]
            #expect(try stub.call("enter")?.arguments == arguments)
            #expect(try await pod.status()["pid"] == "\(child.pid)")
            #expect(try await fixture.rkt("stop", pod.uuid).status == 0)
            #expect(try await pod.process.end().status == 5)
        }
    }

    @Test(arguments: [(false, 143), (true, 137)] as [(Bool, Int32)])
    func stopCallsStop(force: Bool, status: Int32) async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, version: "3", .hangs)
            let pod = try await start(fixture, stub)
            let flags = force ? ["--force"] : []
            let stop = try await fixture.rkt(["stop"] + flags + [pod.uuid])
            #expect(stop.status == 0, "\(stop.error)")
            #expect(stop.output == "\"\(pod.uuid)\"\n")
            #expect(try await pod.process.end().status == status)
            let call = try #require(try stub.call("stop"))
            #expect(call.arguments == flags + [pod.uuid])
            #expect(call.name == "stage1/rootfs/ex/stop")
            #expect(call.directory == pod.directory.string)
        }
    }

    /// The guide asks for `run` alone.
    @Test func aPodCanDoWithoutTheOtherEntrypoints() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, .hangs, entrypoints: ["run"])
            let pod = try await start(fixture, stub)
            for command in ["enter", "stop"] {
                let refused = try await fixture.rkt(command, pod.uuid)
                #expect(refused.status == 254)
                #expect(refused.error.contains("has no \(command) entrypoint"), "\(refused.error)")
            }
            #expect(try await pod.stop().status == 143)
            #expect(try await fixture.rkt("status", "--wait=30s", pod.uuid).status == 0)
            #expect(try await fixture.rkt("rm", pod.uuid).status == 0)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    // MARK: - Refusals

    @Test func imagesThatCannotBeRunAreRefusedBeforeAnythingIsMade() async throws {
        try await PodFixture.with { fixture in
            func refused(
                _ stub: Stage1Stub, _ flags: [String] = [], _ words: String...,
                sourceLocation: SourceLocation = #_sourceLocation
            ) async throws {
                for command in flags.isEmpty ? ["run", "prepare"] : ["run"] {
                    let end = try await fixture.rkt(
                        [command, "--stage1-path=\(stub.image)"] + flags + PodFixture.busybox(":"))
                    #expect(end.status == 254, sourceLocation: sourceLocation)
                    #expect(end.complaints.count == 1, "\(end.error)", sourceLocation: sourceLocation)
                    for word in words + [Stage1Stub.name] {
                        #expect(end.error.contains(word), "\(end.error)", sourceLocation: sourceLocation)
                    }
                    #expect(try HostTraces.below(fixture.data) == [], sourceLocation: sourceLocation)
                }
                #expect(!stub.wasCalled("run"), sourceLocation: sourceLocation)
            }
            try await refused(Stage1Stub(fixture, version: "6"), [], "version 6", "newer than the 5")
            try await refused(Stage1Stub(fixture, version: "new"), [], "\"new\"", "not a number")
            try await refused(
                Stage1Stub(fixture, entrypoints: ["enter", "gc", "stop"]), [], "coreos.com/rkt/stage1/run")
            try await refused(Stage1Stub(fixture, annotations: ["run": "/../bin/sh"]), [], "/../bin/sh")
            try await refused(Stage1Stub(fixture, version: "1"), ["--hostname=box"], "too old", "--hostname")
            try await refused(Stage1Stub(fixture, version: "3"), ["--dns=192.0.2.7"], "too old", "--dns")
        }
    }

    @Test func aPreparedPodThatIsRefusedStaysPrepared() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, version: "3", .ends(7))
            fixture.stage1 = stub.image
            let prepared = try await fixture.rkt(["prepare"] + PodFixture.busybox(":"))
            let uuid = try #require(prepared.lines.last, "\(prepared.error)")
            let refused = try await fixture.rkt("run-prepared", "--dns=192.0.2.7", uuid)
            #expect(refused.status == 254)
            #expect(refused.error.contains("too old for --dns"), "\(refused.error)")
            #expect(try await fixture.status(uuid)["state"] == "prepared")
            #expect(try await fixture.rkt("run-prepared", uuid).status == 7)
        }
    }

    /// It does not know of the minimum, and so nobody would hold it to that.
    @Test func aMinimumOfIsolationRefusesAnImageThatCannotBeAskedForIt() async throws {
        try await PodFixture.with { fixture in
            let stub = try Stage1Stub(fixture, version: "5")
            fixture.stage1 = stub.image
            try fixture.configure("hypervisor", #""minimumIsolation":"chroot""#)
            #expect(try await fixture.rkt(["run"] + PodFixture.busybox(":")).status == 0)
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            try fixture.configure("hypervisor", #""minimumIsolation":"container""#)
            let refused = try await fixture.rkt(["run"] + PodFixture.busybox(":"))
            #expect(refused.status == 254)
            for word in ["minimumIsolation", "\"container\"", Stage1Stub.name, "preflight"] {
                #expect(refused.error.contains(word), "\(refused.error)")
            }
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }
}
