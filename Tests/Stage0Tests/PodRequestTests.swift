// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What is refused before anything is made.
struct PodRequestTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
    }

    private static func options(_ change: (inout RunOptions) -> Void) -> RunOptions {
        var options = RunOptions()
        change(&options)
        return options
    }

    private static func app(_ change: (inout AppRequest) -> Void) -> AppRequest {
        var app = AppRequest(image: "/x.aci")
        change(&app)
        return app
    }

    private func refusal(_ request: PodRequest, insecure: InsecureOptions = []) -> RuntimeError? {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data"), insecure: insecure))
        let error = #expect(throws: RuntimeError.self) { try runtime.prepare(request) }
        #expect(throws: Never.self) { try #require(try runtime.list().isEmpty) }
        return error
    }

    @Test func aPodNeedsAnImageOrAManifest() {
        #expect(refusal(PodRequest())?.message == "must provide at least one image or specify the pod manifest")
    }

    @Test func aManifestExcludesOtherFlagsEvenWhenItIsMissing() {
        var request = PodRequest()
        request.podManifest = "/nonexistent/manifest"
        request.setEnvironment = ["A=1"]
        #expect(refusal(request)?.message == "conflicting flags set with --pod-manifest (see --help)")
    }

    @Test func bothKindsOfCapabilitySetsExcludeEachOther() {
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci")]
        request.apps[0].capabilitiesRetain = "CAP_KILL"
        request.apps[0].capabilitiesRemove = "CAP_CHOWN"
        #expect(refusal(request)?.code == .invalidArgument)
    }

    @Test(arguments: ["none,default", "default:IP", "no-such-network"])
    func networksAreRefusedBeforeImagesAreLookedFor(network: String) {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci")]
        var options = RunOptions()
        options.networks = [network]
        let error = #expect(throws: (any Error).self) { try runtime.run(request, options) }
        #expect(error.map { "\($0)" }?.contains("net") == true)
        #expect(error.map { "\($0)" }?.contains("/x.aci") == false)
    }

    @Test(
        arguments: [
            ("--ipc=parent", Self.options { $0.ipc = "parent" }), ("--ipc=other", Self.options { $0.ipc = "other" }),
            ("--mds-register", Self.options { $0.registersWithMetadata = true }),
            ("--hostname=a b", Self.options { $0.hostname = "a b" }),
            ("--hostname=-a", Self.options { $0.hostname = "-a" }),
            ("--dns=x", Self.options { $0.names.servers = ["x"] }),
        ] as [(String, RunOptions)])
    func optionsOfAStartAreCheckedBeforeAnythingIsMade(text: String, options: RunOptions) {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci")]
        let run = #expect(throws: RuntimeError.self) { try runtime.run(request, options) }
        #expect(run?.message.hasPrefix(text) == true)
        let prepared = #expect(throws: RuntimeError.self) { try runtime.runPrepared("00", options) }
        #expect(prepared?.message.hasPrefix(text) == true)
    }

    @Test(
        arguments: [
            ("--stdin=terminal", .invalidArgument, Self.app { $0.stdin = "terminal" }),
            ("--stdin=log", .invalidArgument, Self.app { $0.stdin = "log" }),
            ("--stdout=file", .invalidArgument, Self.app { $0.stdout = "file" }),
            ("--stderr=", .invalidArgument, Self.app { $0.stderr = "" }),
        ] as [(String, RuntimeError.Code, AppRequest)])
    func streamsThatDoNotExistAreRefused(text: String, code: RuntimeError.Code, app: AppRequest) {
        var request = PodRequest()
        request.apps = [app]
        let error = refusal(request)
        #expect(error?.code == code)
        #expect(error?.message.hasPrefix(text) == true)
    }

    @Test func privateUsersNeedAKernelOfThePodsOwn() throws {
        let host = try FakeHost(in: scratch)
        var request = host.request
        request.privateUsers = true
        let error = #expect(throws: RuntimeError.self) { try host.runtime.prepare(request) }
        #expect(error?.message.hasPrefix("--private-users") == true)
        #expect(try host.runtime.list().isEmpty)
    }

    @Test func onlyOneAppCanBeInteractive() {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci"), AppRequest(image: "/y.aci")]
        var options = RunOptions()
        options.isInteractive = true
        let error = #expect(throws: RuntimeError.self) { try runtime.run(request, options) }
        #expect(error?.message == "interactive option only supports pods with one app")
    }

    @Test func imagesWithoutSignatureNeedTheInsecureOption() throws {
        let path = scratch.appending("hello.aci")
        try FileSystem.write(TarFixture.image().bytes(), to: path)
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        let error = #expect(throws: RuntimeError.self) { try runtime.fetch(path.string) }
        #expect(error?.code == .untrusted)
        #expect(error?.message.contains(path.string) == true)
        #expect(error?.message.contains("--insecure-options=image") == true)

        let insecure = PodRuntime(Settings(dataDirectory: scratch.appending("data"), insecure: .image))
        let image = try insecure.fetch(path.string)
        #expect(image.name == "example.com/image")
        // What is in the store was accepted when it came there.
        #expect(try runtime.fetch(image.id.string).id == image.id)
        #expect(try runtime.fetch("example.com/image:1.0.0").id == image.id)
        #expect(try runtime.storedImage("example.com/image").id == image.id)
        #expect(throws: RuntimeError.self) { try runtime.storedImage(path.string) }
    }

    @Test(arguments: [
        ("example.com/other", "unable to fetch image from image name \"example.com/other\""),
        ("https://example.com/x.aci", "unable to fetch image from url \"https://example.com/x.aci\""),
    ])
    func whatCannotBeFetchedIsSaid(argument: String, message: String) {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data"), insecure: .image))
        let error = #expect(throws: RuntimeError.self) { try runtime.fetch(argument) }
        #expect(error?.message == message)
        #expect(error?.cause != nil)
    }

    @Test func aMissingFileIsNamed() {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data"), insecure: .image))
        let error = #expect(throws: RuntimeError.self) { try runtime.fetch("/nonexistent/x.aci") }
        #expect(error?.description == "open /nonexistent/x.aci: No such file or directory")
    }
}
