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

    @Test(arguments: ["default", "host", "none,default"])
    func networksOtherThanNoneAreRefused(network: String) {
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci")]
        var options = RunOptions()
        options.networks = [network]
        let error = #expect(throws: RuntimeError.self) { try runtime.run(request, options) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("--net=none") == true)
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
