// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

/// The interface to stage1 images, with an image whose entrypoints are shell scripts.
@Suite(.enabled(if: geteuid() == 0, "mounts overlays"))
struct PodRuntimeTests {
    private func mountPoints(beneath path: FilePath) throws -> [FilePath] { try Mount.points(beneath: path) }

    private func runsOnce(_ path: String) async {
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            let host = FakeHost(path)
            try host.runtime.run(host.request, host.runOptions)
        }
    }

    @Test(.timeLimit(.minutes(5))) func runExecutesStage1InThePodDirectory() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        await runsOnce(scratch.path.string)

        let uuid = try FileSystem.readText(host.saved)
        let observed = try host.observed("run.observed")
        let directory = host.data.appending("pods").appending("run").appending(uuid)
        #expect(observed["zero"] == "stage1/rootfs/ex/run")
        #expect(
            observed["args"] == "--net=default --local-config=/etc/rkt-test --hostname=box --disable-seccomp "
                + "--dns-conf-mode=resolv=default,hosts=default \(uuid)")
        #expect(observed["cwd"] == directory.string)
        #expect(observed["lock"] == directory.string)
        #expect(observed["home"] == ProcessImage.variable("HOME"))
        #expect(observed["greeting"] == "hello from the image")
        #expect(observed["mode"] == "751")
        #expect(observed["app"] == "rootfs")

        let status = try host.runtime.status(String(uuid.prefix(8)))
        #expect(status.state == .exited)
        #expect(status.hasExited)
        #expect(status.startedAt != nil)
        #expect(status.pid != nil)
        #expect(status.apps.map(\.exitStatus) == [7])
        #expect(status.apps.map(\.imageName) == ["example.com/hello:1.0.0"])
        #expect(try mountPoints(beneath: directory).count == 2)
        func steps(_ status: PodStatus) -> [Bool] {
            ["fetch", "verify", "render"].map { (status.preparation?.value(forKey: $0)?.int ?? -1) > 0 }
        }
        #expect(steps(status) == [true, false, true])

        // Each run starts from a clean root; the trees are there already.
        await runsOnce(scratch.path.string)
        #expect(try host.observed("run.observed")["greeting"] == "hello from the image")
        let second = try #require(try host.runtime.list().first { $0.uuid != status.uuid })
        #expect(steps(second) == [true, true, false])

        var events: [String] = []
        var policy = GarbagePolicy()
        policy.gracePeriod = 0
        let isEmpty = try eventually {
            try host.runtime.collectGarbage(policy) { events.append("\($0)") }
            return try host.runtime.list().isEmpty
        }
        #expect(isEmpty)
        #expect(events.count == 4)
        #expect(try host.observed("gc.observed")["args"]?.hasPrefix("--local-config=/etc/rkt-test ") == true)
        #expect(try mountPoints(beneath: host.data).isEmpty)

        var garbage = ImageGarbage()
        let isCollected = try eventually {
            let more = try host.runtime.collectImages(gracePeriod: 0)
            garbage.trees += more.trees
            garbage.images += more.images
            return garbage.trees.count == 2
        }
        #expect(isCollected)
        #expect(garbage.images.count == 2)
    }

    @Test(.timeLimit(.minutes(5)), arguments: [RootStorage.overlay, .copies])
    func aPreparedPodRunsAndIsRemoved(storage: RootStorage) async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        var request = host.request
        request.storage = storage
        let uuid = try host.runtime.prepare(request, uuidFileSave: host.saved)
        #expect(try FileSystem.readText(host.saved) == uuid.description)
        #expect(try host.runtime.status(uuid.description).state == .prepared)
        #expect(try host.runtime.podManifest(uuid.description).manifest.apps.map(\.name) == ["hello"])
        // A prepared pod keeps its trees, and does without its images.
        var trees = 0
        let isCollected = try eventually {
            trees += try host.runtime.collectImages(gracePeriod: 0).trees.count
            return trees >= (storage == .copies ? 2 : 0)
        }
        #expect(isCollected)
        #expect(trees == (storage == .copies ? 2 : 0))

        await #expect(processExitsWith: .exitCode(7)) { [path = scratch.path.string as String] in
            let host = FakeHost(path)
            try host.runtime.runPrepared(FileSystem.readText(host.saved), host.runOptions)
        }
        let observed = try host.observed("run.observed")
        #expect(observed["greeting"] == "hello from the image")
        #expect(observed["mode"] == "751")
        #expect(try host.runtime.status(uuid.description).apps.map(\.exitStatus) == [7])
        let error = #expect(throws: RuntimeError.self) { try host.runtime.runPrepared(uuid.description, RunOptions()) }
        #expect(error?.message == "pod \"\(uuid)\" is not prepared")

        #expect(try host.runtime.remove(uuid.description) == uuid)
        #expect(try host.runtime.list().isEmpty)
        #expect(try mountPoints(beneath: host.data).isEmpty)
    }

    @Test(.timeLimit(.minutes(5))) func aSuccessfulPreflightGetsTheArgumentsOfRun() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, preflight: 0)
        defer { host.cleanUp(scratch) }
        await runsOnce(scratch.path.string)
        let preflight = try host.observed("preflight.observed")
        let run = try host.observed("run.observed")
        #expect(preflight["args"] == run["args"])
        #expect(preflight["cwd"] == run["cwd"])
        #expect(preflight["lock"] == run["lock"])
        #expect(preflight["input"] == "/dev/null")
        _ = try host.runtime.remove(FileSystem.readText(host.saved))
    }

    /// A signal that comes too late for stage0 is not to end anything before stage1 can take the networks back.
    @Test(.timeLimit(.minutes(5)), arguments: [false, true])
    func signalsWaitForStage1WhereThereAreNetworks(networks: Bool) async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, preflight: 0, networks: networks)
        defer { host.cleanUp(scratch) }
        await #expect(processExitsWith: .exitCode(7)) { [path = scratch.path.string as String] in
            // Tests run in threads that hear no signals; programs are not started like that.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            let host = FakeHost(path)
            try host.runtime.run(host.request, host.runOptions)
        }
        let run = try host.observed("run.observed")
        let blocked = try #require(run["blocked"].flatMap { UInt64($0, radix: 16) })
        for number in [SIGHUP, SIGINT, SIGTERM] {
            #expect((blocked >> UInt64(number - 1) & 1 == 1) == networks, "signal \(number)")
        }
        _ = try host.runtime.remove(FileSystem.readText(host.saved))
    }

    @Test func aFailingPreflightLeavesNothing() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, preflight: 9)
        defer { host.cleanUp(scratch) }
        let error = #expect(throws: PreflightFailure.self) { try host.runtime.run(host.request, host.runOptions) }
        #expect(error?.exit == .exited(9))
        #expect(!FileSystem.exists(host.data.appending("run.observed")))
        #expect(!FileSystem.exists(host.saved), "it names no pod")
        #expect(try host.runtime.list().isEmpty)
        #expect(try mountPoints(beneath: host.data).isEmpty)
    }

    @Test func aFailingPrepareIsLeftAborted() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        let runtime = host.runtime
        #expect(throws: RuntimeError.self) {
            try runtime.prepare(host.request, uuidFileSave: "/nonexistent/uuid")
        }
        #expect(try eventually { try runtime.list().map(\.state) == [.abortedPrepare] })
        let isEmpty = try eventually {
            try runtime.collectGarbage(GarbagePolicy()) { _ in }
            return try runtime.list().isEmpty
        }
        #expect(isEmpty)
    }

    @Test(.timeLimit(.minutes(5))) func aRunningPodIsEnteredAndStopped() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, hangs: true)
        defer { host.cleanUp(scratch) }
        let path = scratch.path.string
        await PodTurns.shared.begin()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
                    let host = FakeHost(path)
                    try host.runtime.run(host.request, host.runOptions)
                }
            }
            group.addTask {
                do {
                    try await observeRunningPod(host, path)
                } catch {
                    Issue.record(error)
                }
            }
        }
        await PodTurns.shared.end()
        let uuid = try FileSystem.readText(host.saved)
        #expect(try host.runtime.stop(uuid, force: false).wasRunning == false)
        _ = try host.runtime.remove(uuid)
        #expect(try mountPoints(beneath: host.data).isEmpty)
    }

    private func observeRunningPod(_ host: FakeHost, _ path: String) async throws {
        let deadline = Clock.milliseconds + 60_000
        while (try? FileSystem.readText(host.saved).utf8.count) != 36, Clock.milliseconds < deadline {
            // The other task needs a thread to start the pod on.
            try await Task.sleep(for: .milliseconds(5))
        }
        let uuid = try FileSystem.readText(host.saved)
        let runtime = host.runtime
        try runtime.wait(for: uuid, until: .ready, timeout: 60_000)
        #expect(try runtime.status(uuid).state == .running)
        let busy = #expect(throws: RuntimeError.self) { try runtime.remove(uuid) }
        #expect(busy?.message == "pod \"\(uuid)\" is currently running")
        let late = #expect(throws: RuntimeError.self) { try runtime.wait(for: uuid, until: .ended, timeout: 10) }
        #expect(late?.code == .timeout)
        var policy = GarbagePolicy()
        policy.gracePeriod = 0
        try runtime.collectGarbage(policy) { Issue.record("\($0)") }

        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            let host = FakeHost(path)
            try host.runtime.enter(FileSystem.readText(host.saved), app: nil, command: ["/bin/ls", "-l"])
        }
        let entered = try host.observed("enter.observed")
        let pid = try #require(try runtime.status(uuid).pid)
        #expect(entered["args"] == "--pid=\(pid) --appname=hello -- /bin/ls -l")
        #expect(entered["cwd"]?.hasSuffix(uuid) == true)

        #expect(try runtime.stop(uuid, force: false).wasRunning)
        try runtime.wait(for: uuid, until: .ended, timeout: 60_000)
        #expect(try runtime.status(uuid).state == .exited)
        #expect(try host.observed("stop.observed")["args"] == uuid)
    }

    @Test(.timeLimit(.minutes(5))) func collectionWorksWhenTheMountsAreGone() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        await runsOnce(scratch.path.string)
        for point in try mountPoints(beneath: host.data) { try Mount.unmount(point) }
        let uuid = try FileSystem.readText(host.saved)
        #expect(try host.runtime.status(uuid).apps.map(\.exitStatus) == [7])
        _ = try host.runtime.remove(uuid)
        #expect(try host.observed("gc.observed")["args"]?.hasSuffix(uuid) == true)
        #expect(try host.runtime.list().isEmpty)
    }

    /// Its journal says what to undo on the host, and nothing else does.
    @Test(.timeLimit(.minutes(5))) func aPodThatHasNotLeftItsNetworksIsKept() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        await runsOnce(scratch.path.string)
        let kept = try FileSystem.readText(host.saved)
        await runsOnce(scratch.path.string)
        let journal = host.data.appending("pods").appending("run").appending(kept).appending("network-journal")
        try FileSystem.write([], to: journal)
        var policy = GarbagePolicy()
        policy.gracePeriod = 0
        var events: [String] = []
        let isCollected = try eventually {
            try host.runtime.collectGarbage(policy) { events.append("\($0)") }
            return try host.runtime.list().count == 1
        }
        #expect(isCollected, "the other one is removed")
        #expect(try host.runtime.list().map(\.uuid.description) == [kept])
        #expect(events.contains { $0.contains("has not left its networks") && $0.contains("rkt gc") }, "\(events)")
        let error = #expect(throws: RuntimeError.self) { try host.runtime.remove(kept) }
        #expect(error?.message.contains("exited-garbage/\(kept)/network-journal") == true, "\(error?.message ?? "")")
        let garbage = host.data.appending("pods").appending("exited-garbage").appending(kept)
        try FileSystem.remove(garbage.appending("network-journal"))
        _ = try host.runtime.remove(kept)
        #expect(try host.runtime.list().isEmpty)
    }

    @Test func aSecondRunReadsNeitherStage1ImageNorRendersAnew() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        let first = try host.runtime.prepare(host.request)
        let trees = try FileSystem.list(host.data.appending("cas").appending("tree"))
        let second = try host.runtime.prepare(host.request)
        #expect(first != second)
        #expect(try FileSystem.list(host.data.appending("cas").appending("tree")) == trees)
        for uuid in [first, second] { _ = try host.runtime.remove(uuid.description) }
        #expect(try host.runtime.list().isEmpty)
    }

    @Test func aManifestFileIsCompletedFromTheStore() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        let image = try host.runtime.fetch(host.appPath.string)
        let path = scratch.appending("pod.json")
        var request = PodRequest()
        request.stage1 = .path(host.stage1Path)
        request.podManifest = path
        func write(_ apps: String) throws {
            try FileSystem.write(
                "{\"acVersion\":\"0.8.11\",\"acKind\":\"PodManifest\",\"apps\":[\(apps)]}".utf8, to: path)
        }

        let short = image.id.string.prefix(20)
        try write(
            """
            {"name":"one","image":{"id":"\(short)"}},
            {"name":"two","image":{"name":"example.com/hello"},"readOnlyRootFS":true,
             "app":{"exec":["/other"],"user":"5","group":"6"}}
            """)
        let uuid = try host.runtime.prepare(request)
        let manifest = try host.runtime.podManifest(uuid.description).manifest
        #expect(manifest.apps.map(\.image.id) == [image.id, image.id])
        #expect(manifest.apps.map { $0.app?.exec } == [["/hello"], ["/other"]])
        #expect(manifest.apps.map(\.readOnlyRootFS) == [false, true])
        #expect(manifest.annotation("coreos.com/rkt/stage1/mutable") == "false")
        _ = try host.runtime.remove(uuid.description)

        try write("")
        let empty = #expect(throws: RuntimeError.self) { try host.runtime.prepare(request) }
        #expect(empty?.message == "pod must contain at least one application")
        try write("{\"name\":\"one\",\"image\":{\"id\":\"sha512-ffffffff\"}}")
        let unknown = #expect(throws: RuntimeError.self) { try host.runtime.prepare(request) }
        #expect(unknown?.description.contains("no image IDs found") == true)
        #expect(try host.runtime.list().isEmpty)
    }

    @Test(
        arguments: [
            (80, nil), (0, "ports[0].hostPort"), (65535, "end beyond 65535"),
        ] as [(Int, String?)])
    func portsOfAManifestFileLeadToPortsOfItsApps(hostPort: Int, reason: String?) throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        _ = try host.runtime.fetch(host.appPath.string)
        let path = scratch.appending("pod.json")
        var request = PodRequest()
        request.stage1 = .path(host.stage1Path)
        request.podManifest = path
        try FileSystem.write(
            """
            {"acVersion":"0.8.11","acKind":"PodManifest","ports":[{"name":"http","hostPort":\(hostPort)}],
             "apps":[{"name":"one","image":{"name":"example.com/hello"},
              "app":{"exec":["/hello"],"user":"0","group":"0",
               "ports":[{"name":"http","protocol":"tcp","port":80,"count":2}]}}]}
            """.utf8, to: path)
        guard let reason else {
            let uuid = try host.runtime.prepare(request)
            #expect(try host.runtime.podManifest(uuid.description).manifest.ports.map(\.hostPort) == [hostPort])
            return
        }
        let error = #expect(throws: RuntimeError.self) { try host.runtime.prepare(request) }
        #expect(error?.message == "invalid pod manifest \(path)")
        #expect(error?.description.contains(reason) == true)
        #expect(try host.runtime.list().isEmpty)
    }
}
