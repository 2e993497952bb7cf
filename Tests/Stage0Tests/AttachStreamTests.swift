// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import TestSupport
import Testing

/// `--stdin`, `--stdout` and `--stderr` for apps that are attached to, or have the caller's terminal.
struct AttachStreamTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func manifest(_ modes: [(String, String)]) throws -> PodManifest {
        let list = modes.map { #"{"name":"coreos.com/rkt/stage2/\#($0.0)","value":"\#($0.1)"}"# }.joined(separator: ",")
        let digest = "sha512-" + String(repeating: "0", count: 128)
        let text = """
            {"acKind":"PodManifest","acVersion":"0.8.11",
             "apps":[{"name":"a","image":{"id":"\(digest)"},"annotations":[\(list)]}]}
            """
        return try PodManifest(parsing: Array(text.utf8))
    }

    @Test(arguments: ["stream", "tty"]) func theStage1ImageHasToHaveTheEntrypoint(mode: String) throws {
        let host = try FakeHost(in: scratch)
        var request = host.request
        request.apps[0].stdout = mode
        let error = #expect(throws: RuntimeError.self) { try host.runtime.prepare(request) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.hasPrefix("--stdout=\(mode)") == true)
        #expect(try host.runtime.list().isEmpty)
    }

    @Test func aTerminalOfTheCallersIsForOneApp() throws {
        var request = PodRequest()
        request.apps = [AppRequest(image: "/x.aci"), AppRequest(image: "/y.aci")]
        request.apps[1].stdin = "interactive"
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        let error = #expect(throws: RuntimeError.self) { try runtime.run(request, RunOptions()) }
        #expect(error?.message == "interactive option only supports pods with one app")
    }

    @Test func aTerminalOfTheCallersExcludesOtherModes() throws {
        var options = RunOptions()
        options.isInteractive = true
        let error = #expect(throws: RuntimeError.self) {
            try RunRules.check(options, manifest([("stdin", "interactive"), ("stderr", "stream")]))
        }
        #expect(error?.message.contains("it excludes --stderr=stream") == true)
    }

    @Test func aManifestThatNeedsTheCallersTerminalIsNotStartedWithoutOne() throws {
        let manifest = try manifest([("stdout", "interactive")])
        let error = #expect(throws: RuntimeError.self) { try RunRules.check(RunOptions(), manifest) }
        #expect(error?.message.contains("give --interactive") == true)
        var options = RunOptions()
        options.isInteractive = true
        try RunRules.check(options, manifest)
    }
}
