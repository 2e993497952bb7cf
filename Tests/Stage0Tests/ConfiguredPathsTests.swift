// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What the configuration says about where things are.
struct ConfiguredPathsTests {
    private let scratch: ScratchDirectory
    private let host: FakeHost

    init() throws {
        scratch = try ScratchDirectory()
        host = try FakeHost(in: scratch)
    }

    private func configure(_ file: String, _ text: String) throws {
        let path = scratch.path.pushing(FilePath("local/\(file)"))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(text.utf8, to: path)
    }

    private func settings(_ insecure: InsecureOptions = []) -> Settings {
        Settings(
            dataDirectory: host.data, systemConfiguration: scratch.appending("system"),
            localConfiguration: scratch.appending("local"), insecure: insecure)
    }

    @Test func configuredPathsCountUnlessAFlagSaysOtherwise() throws {
        try configure(
            "paths.d/p.json", #"{"rktKind":"paths","rktVersion":"v1","data":"/d","stage1-images":"/s"}"#)
        var configured = settings()
        try configured.readPaths(keepsData: false)
        #expect(configured.dataDirectory == "/d")
        #expect(configured.stage1Images == "/s")
        var flagged = settings()
        try flagged.readPaths(keepsData: true)
        #expect(flagged.dataDirectory == host.data)
        #expect(flagged.stage1Images == "/s")
    }

    @Test func namedDirectoriesMustBeReadable() throws {
        #expect(Settings().configuration.map(\.mustBeReadable) == [false, false])
        let named = Settings(localConfiguration: "/etc/other", userConfiguration: "/home/me/rkt")
        #expect(named.configuration.map(\.mustBeReadable) == [false, true, true])
    }

    /// Prepares a pod and returns the name of its stage1 image.
    private func prepare(_ settings: Settings, _ selection: Stage1Selection = .standard) throws -> String {
        let app = try PodRuntime(self.settings(.image)).fetch(host.appPath.string)
        var request = PodRequest()
        request.apps = [AppRequest(image: app.id.string)]
        request.stage1 = selection
        request.storage = .copies
        let uuid = try PodRuntime(settings).prepare(request)
        let pod = host.data.appending("pods").appending("prepared").appending(uuid.description)
        let manifest = try FileSystem.read(pod.appending("stage1").appending("manifest"))
        return try ImageManifest(parsing: manifest).name.string
    }

    @Test(.enabled(if: geteuid() == 0, "renders images")) func theConfiguredStage1NeedsNoSignature() throws {
        try configure(
            "stage1.d/s.json", #"{"rktKind":"stage1","rktVersion":"v1","location":"\#(host.stage1Path)"}"#)
        #expect(try prepare(settings()) == "example.com/stage1-fake")
        // The same file named by a flag is any file.
        let error = #expect(throws: RuntimeError.self) { try prepare(settings(), .path(host.stage1Path)) }
        #expect(error?.code == .untrusted)
    }

    @Test(.enabled(if: geteuid() == 0, "renders images")) func theStoreIsAskedForTheConfiguredStage1First() throws {
        try configure(
            "stage1.d/s.json",
            """
            {"rktKind":"stage1","rktVersion":"v1","name":"example.com/stage1-fake","version":"1.0.0",
             "location":"/nonexistent/stage1.aci"}
            """)
        let error = #expect(throws: RuntimeError.self) { try prepare(settings()) }
        #expect(error?.description.contains("/nonexistent/stage1.aci") == true)
        _ = try PodRuntime(settings(.image)).fetch(host.stage1Path.string)
        #expect(try prepare(settings()) == "example.com/stage1-fake")
    }

    @Test(.enabled(if: geteuid() == 0, "renders images")) func aConfiguredStage1IsNotDiscovered() throws {
        try configure(
            "stage1.d/s.json",
            #"{"rktKind":"stage1","rktVersion":"v1","name":"example.com/stage1-other","version":"1.0.0"}"#)
        let installed = scratch.appending("installed")
        try FileSystem.makeDirectory(installed)
        try FileSystem.rename(host.stage1Path, to: installed.appending("stage1-kvm.aci"))
        var settings = settings()
        settings.stage1Images = installed
        #expect(try prepare(settings) == "example.com/stage1-fake")
    }

    @Test(.enabled(if: geteuid() == 0, "renders images")) func installedStage1ImagesStandWhereConfigured() throws {
        try configure(
            "paths.d/p.json", #"{"rktKind":"paths","rktVersion":"v1","stage1-images":"\#(scratch.path)"}"#)
        var settings = settings()
        try settings.readPaths(keepsData: true)
        #expect(try prepare(settings, .fromDirectory("stage1.aci")) == "example.com/stage1-fake")
        let url = "file://\(host.stage1Path)"
        #expect(try prepare(settings, .url(url)) == "example.com/stage1-fake")
    }
}
