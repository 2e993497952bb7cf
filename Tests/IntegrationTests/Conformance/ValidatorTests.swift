// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Two images in one pod check from within what the App Container specification promises to apps.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct ValidatorTests {
    @Test(.requires(.severalApps), arguments: [[], ["--no-overlay=true"]])
    func promisesToAppsAreKept(_ flags: [String]) async throws {
        try await PodFixture.with { fixture in
            let images = [
                try await image("ace-validator-main", mainApp, in: fixture),
                try await image("ace-validator-sidekick", sidekickApp, in: fixture),
            ]
            let volume = ["--volume=database,kind=empty"]
            // Nothing of the first pod may be found by the second one.
            for _ in 0..<2 {
                let run = try await fixture.rkt(["run"] + flags + volume + images.map(\.string))
                #expect(run.complaints == [])
                #expect(run.texts(of: "ace-validator-main") == ["prestart OK", "main OK", "poststop OK"])
                #expect(run.texts(of: "ace-validator-sidekick") == ["sidekick OK"])
                #expect(run.status == 0)
            }
        }
    }

    /// The control: what is broken on purpose is noticed.
    @Test(.requires(.supervisor)) func brokenPromisesAreNoticed() async throws {
        try await PodFixture.with { fixture in
            let main = try await image("ace-validator-main", mainApp, in: fixture)
            let run = try await fixture.rkt(
                [
                    "run", "--volume=database,kind=empty,readOnly=true", main.string,
                    "--environment=IN_ACE_VALIDATOR=wrong",
                ])
            #expect(run.status == 1)
            let texts = run.texts(of: "ace-validator-main")
            for problem in [
                "==> IN_ACE_VALIDATOR is wrong, not correct",
                "==> /db is no mount that can be written to", "==> /db/sidekick did not appear within 5 s", "main FAIL",
            ] {
                #expect(texts.contains(problem), "\(texts)")
            }
        }
    }

    // MARK: - Images

    private let mainApp = """
        "exec":["/ace-validator","main"],"user":"0","group":"0","workingDirectory":"/opt/acvalidator",\
        "environment":[{"name":"IN_ACE_VALIDATOR","value":"correct"}],\
        "mountPoints":[{"name":"database","path":"/db","readOnly":false}],\
        "ports":[{"name":"www","protocol":"tcp","port":80}],\
        "isolators":[{"name":"resource/memory","value":{"limit":"1G"}}],\
        "eventHandlers":[{"name":"pre-start","exec":["/ace-validator","prestart"]},\
        {"name":"post-stop","exec":["/ace-validator","poststop"]}]
        """
    private let sidekickApp = """
        "exec":["/ace-validator","sidekick"],"user":"0","group":"0",\
        "mountPoints":[{"name":"database","path":"/db","readOnly":false}]
        """

    private func image(_ name: String, _ app: String, in fixture: PodFixture) async throws -> FilePath {
        let tree = fixture.path(name)
        let root = tree.appending("rootfs")
        try FileSystem.makeDirectories(root.pushing("opt/acvalidator"))
        try await fixture.require("/usr/bin/strip", ["-o", "\(root)/ace-validator", BuildProducts.validator.string])
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"coreos.com/\(name)",\
            "labels":[{"name":"version","value":"1"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\
            "app":{\(app)}}
            """
        try FileSystem.write(Array(manifest.utf8), to: tree.appending("manifest"))
        let file = fixture.path("\(name).aci")
        let build = try await fixture.rkt("image", "build", "--compression=none", tree.string, file.string)
        #expect(build.status == 0, "\(build.error)")
        return file
    }
}
