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

/// Apps of a pod that runs, by a stage1 whose entrypoints say what they are told.
///
/// One at a time, see `PodTurns`.
@Suite(.serialized, .enabled(if: geteuid() == 0, "mounts overlays"))
struct LivePodTests {
    private func withSandbox(
        _ storage: RootStorage, _ body: @escaping @Sendable (FakeHost, String) async throws -> Void
    ) async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, hangs: true, live: true)
        defer { host.cleanUp(scratch) }
        _ = try host.runtime.fetch(host.appPath.string)
        let path = scratch.path.string
        let isOverlay = storage == .overlay
        await PodTurns.shared.begin()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(processExitsWith: .exitCode(0)) {
                    [path = path as String, isOverlay = isOverlay as Bool] in
                    let host = FakeHost(path)
                    try host.runtime.run(LivePodTests.request(host, isOverlay ? .overlay : .copies), host.runOptions)
                }
            }
            group.addTask {
                do {
                    let uuid = try await LivePodTests.started(host)
                    do { try await body(host, uuid) } catch { Issue.record(error) }
                    _ = try host.runtime.stop(uuid, force: false)
                } catch {
                    Issue.record(error)
                }
            }
        }
        await PodTurns.shared.end()
        let uuid = try FileSystem.readText(host.saved)
        let ended = #expect(throws: RuntimeError.self) { try host.runtime.startApp("one", in: uuid) }
        #expect(ended?.message == "pod \"\(uuid)\" isn't currently running")
        _ = try host.runtime.remove(uuid)
        #expect(try Mount.points(beneath: host.data).isEmpty)
        #expect(try host.runtime.list().isEmpty)
    }

    static func request(_ host: FakeHost, _ storage: RootStorage) -> PodRequest {
        var request = host.request
        request.apps = []
        request.isMutable = true
        request.storage = storage
        return request
    }

    private static func started(_ host: FakeHost) async throws -> String {
        let deadline = Clock.milliseconds + 60_000
        while (try? FileSystem.readText(host.saved).utf8.count) != 36, Clock.milliseconds < deadline {
            // The other task needs a thread to start the pod on.
            try await Task.sleep(for: .milliseconds(5))
        }
        let uuid = try FileSystem.readText(host.saved)
        try host.runtime.wait(for: uuid, until: .ready, timeout: 60_000)
        return uuid
    }

    private static func app(_ name: String) -> AppRequest {
        var app = AppRequest(image: "example.com/hello")
        app.name = name
        return app
    }

    private static func layout(_ host: FakeHost, _ uuid: String) throws -> PodLayout {
        try #require(host.runtime.pods.pod(PodUUID(parsing: uuid))).layout
    }

    @Test(.timeLimit(.minutes(5)), arguments: [RootStorage.overlay, .copies])
    func appsComeAndGo(storage: RootStorage) async throws {
        try await withSandbox(storage) { host, uuid in
            let (runtime, layout) = (host.runtime, try Self.layout(host, uuid))
            #expect(try host.observed("run.observed")["args"]?.contains(" --mutable ") == true)
            #expect(try runtime.apps(of: uuid).isEmpty)
            #expect(try runtime.podManifest(uuid).manifest.annotation("coreos.com/rkt/stage1/mutable") == "true")
            let before = try Mount.points(beneath: layout.directory)

            try runtime.addApp(Self.app("one"), to: uuid, volumes: [])
            let added = try host.observed("app-add.observed")
            #expect(added["args"] == "--app=one --uuid=\(uuid) --disable-seccomp")
            #expect(added["cwd"] == layout.directory.string)
            let pid = try #require(try runtime.status(uuid).pid)
            #expect(added["crossing"] == "\(layout.directory)/stage1/rootfs/ex/enter \(pid) ")
            let status = try #require(try runtime.apps(of: uuid).first)
            #expect(status.phase == .created && status.startedAt == nil && status.createdAt != nil)
            #expect(status.imageName == "example.com/hello:1.0.0")
            for root in [layout.appRootfs("one"), layout.appRootPlace(1)] {
                #expect(try FileSystem.readText(root.appending("greeting")) == "hello from the image\n", "\(root)")
            }
            try FileSystem.write("changed".utf8, to: layout.appRootfs("one").appending("greeting"))
            #expect(try FileSystem.readText(layout.appRootPlace(1).appending("greeting")) == "changed")

            let taken = #expect(throws: RuntimeError.self) {
                try runtime.addApp(Self.app("one"), to: uuid, volumes: [])
            }
            #expect(taken?.code == .exists)
            let unknown = #expect(throws: RuntimeError.self) { try runtime.startApp("two", in: uuid) }
            #expect(unknown?.message == "nonexistent app \"two\"")
            try runtime.startApp("one", in: uuid)
            #expect(try host.observed("app-start.observed")["args"] == "--app=one")
            #expect(try host.observed("app-start.observed")["crossing"]?.hasSuffix(" one") == true)
            // Stage1 says so.
            try FileSystem.write([], to: layout.appStarted("one"))
            #expect(try runtime.apps(of: uuid).map(\.phase) == [.running])
            try FileSystem.write("3\n".utf8, to: layout.status("one"))
            #expect(try runtime.apps(of: uuid).map(\.exitStatus) == [3])
            try runtime.stopApp("one", in: uuid)

            try runtime.removeApp("one", in: uuid)
            #expect(try runtime.apps(of: uuid).isEmpty)
            #expect(try Mount.points(beneath: layout.directory) == before)
            #expect(!FileSystem.exists(layout.status("one")) && !FileSystem.exists(layout.appInfo("one")))
            #expect(!FileSystem.exists(layout.apps.appending("one")))
            let gone = #expect(throws: RuntimeError.self) { try runtime.removeApp("one", in: uuid) }
            #expect(gone?.message == "nonexistent app \"one\"")

            // The same name again has a root of its own, at a place that nothing has been at.
            try runtime.addApp(Self.app("one"), to: uuid, volumes: [])
            #expect(!FileSystem.exists(layout.appRootPlace(1)))
            let greeting = layout.appRootPlace(2).appending("greeting")
            #expect(try FileSystem.readText(greeting) == "hello from the image\n")
            // What runs is left as it is: the pod takes it with it.
        }
    }

    @Test(.timeLimit(.minutes(5)), arguments: [RootStorage.overlay, .copies])
    func whatFailsLeavesNothing(storage: RootStorage) async throws {
        try await withSandbox(storage) { host, uuid in
            let (runtime, layout) = (host.runtime, try Self.layout(host, uuid))
            let before = try Mount.points(beneath: layout.directory)
            let source = host.directory.appending("source")
            try FileSystem.makeDirectory(source)
            let volume = "name=data,kind=host,source=\(source),target=/data"
            var app = Self.app("one")
            app.mountedVolumes = [volume, "name=tmp,kind=empty,target=/t"]

            try FileSystem.write([], to: host.data.appending("app-add-fails"))
            #expect(throws: AppEntrypointFailure.self) { try runtime.addApp(app, to: uuid, volumes: []) }
            app.mountedVolumes[0] = "name=data,kind=host,source=/nonexistent/source,target=/data"
            let missing = #expect(throws: RuntimeError.self) { try runtime.addApp(app, to: uuid, volumes: []) }
            #expect(missing?.message.contains("/nonexistent/source") == true)
            var stranger = Self.app("one")
            stranger.image = "example.com/other"
            #expect(throws: RuntimeError.self) { try runtime.addApp(stranger, to: uuid, volumes: []) }
            var typist = Self.app("one")
            typist.stdin = "interactive"
            let terminal = #expect(throws: RuntimeError.self) { try runtime.addApp(typist, to: uuid, volumes: []) }
            #expect(terminal?.message.contains("rkt attach") == true)
            typist.stdin = "stream"
            let stream = #expect(throws: RuntimeError.self) { try runtime.addApp(typist, to: uuid, volumes: []) }
            #expect(stream?.message.contains("cannot be attached to") == true)
            #expect(try runtime.apps(of: uuid).isEmpty)
            #expect(try runtime.podManifest(uuid).manifest.volumes.isEmpty)
            #expect(!FileSystem.exists(layout.appInfo("one")))
            #expect(FileSystem.exists(source))
            // What begins empty is the pod's from then on.
            #expect(try Mount.points(beneath: layout.directory).count == before.count + 1)
            #expect(try LiveVolumes(reading: layout) == LiveVolumes())

            try FileSystem.remove(host.data.appending("app-add-fails"))
            app.mountedVolumes[0] = volume
            try runtime.addApp(app, to: uuid, volumes: [])
            try FileSystem.write([], to: host.data.appending("app-rm-fails"))
            #expect(throws: AppEntrypointFailure.self) { try runtime.removeApp("one", in: uuid) }
            #expect(try runtime.apps(of: uuid).map(\.name) == ["one"], "it is still there, and all of it")
            #expect(FileSystem.exists(layout.appRootfs("one").appending("greeting")))
        }
    }

    @Test(.timeLimit(.minutes(5))) func aProgramOfStage1ThatHangsIsKilled() async throws {
        try await withSandbox(.overlay) { host, uuid in
            let layout = try Self.layout(host, uuid)
            for name in ["app-add", "app-rm"] { try FileSystem.write([], to: host.data.appending("\(name)-hangs")) }
            var runtime = host.runtime
            runtime.changeProgramPatience = 1000
            let error = #expect(throws: RuntimeError.self) {
                try runtime.addApp(Self.app("one"), to: uuid, volumes: [])
            }
            #expect(error?.code == .timeout)
            #expect(error?.message.contains("of the pod's stage1 did not end within 1 s") == true)
            // The pod can be changed, and nothing is left.
            #expect(!FileSystem.exists(layout.appInfo("one")))
            try FileSystem.remove(host.data.appending("app-add-hangs"))
            try host.runtime.addApp(Self.app("one"), to: uuid, volumes: [])
            #expect(try runtime.apps(of: uuid).map(\.name) == ["one"])
        }
    }

    @Test(.timeLimit(.minutes(5))) func volumesOfTheHostHoldWhatTheyPromise() async throws {
        try await withSandbox(.overlay) { host, uuid in
            let (runtime, layout) = (host.runtime, try Self.layout(host, uuid))
            let source = host.directory.appending("source")
            try FileSystem.makeDirectory(source)
            try FileSystem.write("key".utf8, to: host.directory.appending("key"))
            var one = Self.app("one")
            one.mountedVolumes = [
                "name=data,kind=host,source=\(source),target=/data",
                "name=key,kind=host,source=\(host.directory)/key,readOnly=true,target=/key",
                "name=tmp,kind=empty,mode=1777,target=/scratch",
                // Named as one of the app's own would be.
                "name=one-x-1,kind=empty,target=/x",
            ]
            try runtime.addApp(one, to: uuid, volumes: [])
            let places = try LiveVolumes(reading: layout).places
            let data = layout.liveVolume(try #require(places["data"]).place)
            let key = layout.liveFile(try #require(places["key"]).place)
            try FileSystem.write("both".utf8, to: data.appending("file"))
            #expect(try FileSystem.readText(source.appending("file")) == "both")
            #expect(try FileSystem.readText(key) == "key")
            #expect(throws: RuntimeError.self) { try FileSystem.write("x".utf8, to: key) }
            #expect(try FileSystem.status(layout.emptyVolume("tmp")).mode == 0o1777)

            var two = Self.app("two")
            two.mounts = ["volume=data,target=/d", "volume=tmp,target=/t", "volume=one-x-1,target=/x"]
            try runtime.addApp(two, to: uuid, volumes: [])
            #expect(try LiveVolumes(reading: layout).places == places)
            try runtime.removeApp("one", in: uuid)
            #expect(try LiveVolumes(reading: layout).places.keys.sorted() == ["data"], "another app has it")
            #expect(FileSystem.exists(data.appending("file")))
            #expect(try runtime.podManifest(uuid).manifest.volumes.map(\.name) == ["data", "tmp", "one-x-1"])
            #expect(FileSystem.exists(layout.emptyVolumes.appending("one-x-1")), "another app has it")
            try runtime.removeApp("two", in: uuid)
            #expect(try LiveVolumes(reading: layout).places.isEmpty)
            #expect(try FileSystem.list(layout.live).isEmpty)
            #expect(try FileSystem.list(source) == ["file"])
        }
    }

    /// Whoever was killed has left its note.
    @Test(.timeLimit(.minutes(5))) func whatWasLeftHalfDoneIsTakenAway() async throws {
        try await withSandbox(.overlay) { host, uuid in
            let (runtime, layout) = (host.runtime, try Self.layout(host, uuid))
            let before = try Mount.points(beneath: layout.directory)
            let source = host.directory.appending("source")
            try FileSystem.makeDirectory(source)
            var app = Self.app("one")
            app.mountedVolumes = ["name=data,kind=host,source=\(source),target=/data"]
            try runtime.addApp(app, to: uuid, volumes: [])
            try FileSystem.write([], to: layout.appIncomplete("one"))
            #expect(try runtime.apps(of: uuid).isEmpty)
            let unknown = #expect(throws: RuntimeError.self) { try runtime.startApp("one", in: uuid) }
            #expect(unknown?.message == "nonexistent app \"one\"")
            // Stage1 may know nothing of it.
            try FileSystem.write([], to: host.data.appending("app-rm-fails"))
            try runtime.addApp(app, to: uuid, volumes: [])
            #expect(try runtime.apps(of: uuid).map(\.name) == ["one"])
            #expect(!FileSystem.exists(layout.appRootPlace(1)))

            // Before the manifest was written.
            try FileSystem.write([], to: layout.appIncomplete("one"))
            var manifest = try PodManifest(parsing: FileSystem.read(layout.manifest))
            manifest.apps = []
            manifest.volumes = []
            try FileSystem.write(manifest.encoded().utf8, to: layout.manifest)
            try runtime.removeApp("one", in: uuid)
            #expect(try Mount.points(beneath: layout.directory) == before)
            #expect(try FileSystem.list(layout.appInfos).isEmpty)
            #expect(try FileSystem.list(layout.overlay.appending("apps")).isEmpty)
        }
    }

    /// The machine can change what it shares with the host, and gets nothing for that.
    @Test(.timeLimit(.minutes(5))) func linksOfThePodAreNotFollowed() async throws {
        try await withSandbox(.overlay) { host, uuid in
            let (runtime, layout) = (host.runtime, try Self.layout(host, uuid))
            let outside = host.directory.appending("outside")
            try FileSystem.makeDirectory(outside)
            for name in ["one", ".live", ".volumes"] {
                try FileSystem.makeSymbolicLink(to: outside.string, at: layout.apps.appending(name))
                var app = Self.app("one")
                app.mountedVolumes = ["name=tmp,kind=empty,target=/t"]
                let error = #expect(throws: RuntimeError.self) { try runtime.addApp(app, to: uuid, volumes: []) }
                #expect(error?.message.contains("symbolic link") == true, "\(name): \(String(describing: error))")
                #expect(try FileSystem.list(outside).isEmpty, "\(name)")
                #expect(try Mount.points(beneath: outside).isEmpty, "\(name)")
                try FileSystem.remove(layout.apps.appending(name))
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func podsWithoutAppsNeedAStage1ThatCanChangeThem() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch)
        defer { host.cleanUp(scratch) }
        let error = #expect(throws: RuntimeError.self) {
            try host.runtime.run(Self.request(host, .overlay), host.runOptions)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("example.com/stage1-fake") == true)
        #expect(error?.message.contains("coreos.com/rkt/stage1/app/add") == true)
        #expect(try host.runtime.list().isEmpty)
    }
}
