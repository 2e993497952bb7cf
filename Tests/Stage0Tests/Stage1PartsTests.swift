// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import HTTPTransport
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// A stage1 image that changes a part of another one.
@Suite(.enabled(if: geteuid() == 0, "renders images"))
struct Stage1PartsTests {
    private let scratch: ScratchDirectory
    private let host: FakeHost

    init() throws {
        scratch = try ScratchDirectory()
        host = try FakeHost(in: scratch)
        for name in ["installed", "local"] { try FileSystem.makeDirectory(scratch.appending(name)) }
        var tar = TarFixture.image(
            TarFixture.manifest(
                name: "example.com/stage1-changed",
                extra: """
                    ,"annotations":[{"name":"coreos.com/rkt/stage1/run","value":"/ex/run"},
                     {"name":"coreos.com/rkt/stage1/interface-version","value":"5"}],
                     "dependencies":[{"imageName":"example.com/stage1-fake",
                     "labels":[{"name":"version","value":"1.0.0"}]}]
                    """))
        tar.add("rootfs/ex", .directory, mode: 0o755)
        tar.add("rootfs/ex/gc", "changed", mode: 0o755)
        try FileSystem.write(tar.bytes(), to: changed)
    }

    private var changed: FilePath { scratch.appending("changed.aci") }
    private var installed: FilePath { scratch.appending("installed") }

    /// The network must not be asked.
    private struct NoNetwork: HTTPTransport {
        struct Asked: Error {}
        func send(_ request: HTTPRequest) throws -> HTTPResponse { throw Asked() }
        func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] { throw Asked() }
    }

    private func runtime(_ insecure: InsecureOptions = []) -> PodRuntime {
        var settings = Settings(
            dataDirectory: host.data, systemConfiguration: scratch.appending("system"),
            localConfiguration: scratch.appending("local"), insecure: insecure)
        settings.stage1Images = installed
        return PodRuntime(settings, transport: NoNetwork())
    }

    /// Prepares a pod and returns the root of its stage1.
    private func prepare(_ runtime: PodRuntime, _ selection: Stage1Selection) throws -> FilePath {
        let app = try self.runtime(.image).fetch(host.appPath.string)
        var request = PodRequest()
        request.apps = [AppRequest(image: app.id.string)]
        request.stage1 = selection
        request.storage = .copies
        let uuid = try runtime.prepare(request)
        return host.data.pushing(FilePath("pods/prepared/\(uuid)/stage1/rootfs"))
    }

    private func expectBoth(_ root: FilePath, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(
            try FileSystem.readText(root.appending("ex").appending("gc")) == "changed", sourceLocation: sourceLocation)
        #expect(
            try FileSystem.readText(root.appending("ex").appending("run")).contains("exit 7"),
            sourceLocation: sourceLocation)
    }

    @Test func whatItDependsOnIsTakenFromTheInstalledImages() throws {
        try FileSystem.rename(host.stage1Path, to: installed.appending("stage1-fake.aci"))
        try expectBoth(prepare(runtime(.image), .path(changed)))
        // The installed one needs no signature, this one does.
        let error = #expect(throws: RuntimeError.self) { try prepare(runtime(), .path(changed)) }
        #expect(error?.code == .untrusted)
        #expect(error?.description.contains("changed.aci") == true)
        try FileSystem.rename(changed, to: installed.appending("changed.aci"))
        try expectBoth(prepare(runtime(), .fromDirectory("changed.aci")))
    }

    @Test func theConfiguredImageWillDo() throws {
        try FileSystem.makeDirectory(scratch.appending("local").appending("stage1.d"))
        let text = #"{"rktKind":"stage1","rktVersion":"v1","location":"\#(host.stage1Path)"}"#
        try FileSystem.write(text.utf8, to: scratch.path.pushing(FilePath("local/stage1.d/s.json")))
        try expectBoth(prepare(runtime(.image), .url("file://\(changed)")))
    }

    @Test func theStoreWillDo() throws {
        _ = try runtime(.image).fetch(host.stage1Path.string)
        let image = try prepare(runtime(.image), .path(changed))
        try expectBoth(image)
        // Now the store has both, and nothing of them is asked for a signature again.
        try expectBoth(prepare(runtime(), .name("example.com/stage1-changed")))
    }

    @Test func anImageBesideItWillDo() throws {
        try FileSystem.rename(host.stage1Path, to: scratch.appending("stage1-fake.aci"))
        try expectBoth(prepare(runtime(.image), .path(changed)))
    }

    @Test func anImageBesideItIsLookedAtForASignature() throws {
        try FileSystem.rename(changed, to: installed.appending("changed.aci"))
        try FileSystem.rename(host.stage1Path, to: scratch.appending("stage1-fake.aci"))
        // Installed images are trusted, and nothing else that lies elsewhere.
        let error = #expect(throws: RuntimeError.self) { try prepare(runtime(), .fromDirectory("changed.aci")) }
        #expect(error?.code == .notFound)
    }

    @Test func whatIsNowhereIsToldWithAllPlaces() throws {
        let error = #expect(throws: RuntimeError.self) { try prepare(runtime(.image), .path(changed)) }
        #expect(error?.code == .notFound)
        let text = error?.description ?? ""
        for part in [
            "example.com/stage1-changed", "example.com/stage1-fake:1.0.0", "\(installed)/stage1-fake.aci",
            "\(scratch.path)/stage1-fake.aci",
        ] { #expect(text.contains(part), "\(text)") }
    }

    @Test func anotherVersionIsNotTaken() throws {
        let other = TarFixture.image(TarFixture.manifest(name: "example.com/stage1-fake", version: "2.0.0"))
        try FileSystem.write(other.bytes(), to: installed.appending("stage1-fake.aci"))
        let error = #expect(throws: RuntimeError.self) { try prepare(runtime(.image), .path(changed)) }
        #expect(error?.code == .notFound)
    }
}
