// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Where the stage1 image comes from that nobody has asked for by name.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct Stage1LocationTests {
    @Test func aFileBesideTheProgramStandsInForTheConfiguredOne() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let name = "stage1-of-test.aci"
            try await fixture.require(
                "/bin/sh",
                [
                    "-c",
                    """
                    mkdir -p '\(fixture.path("etc"))/stage1.d' '\(fixture.path("unpacked"))'
                    cp '\(BuildProducts.rkt)' '\(fixture.path("unpacked"))/rkt'
                    echo '{"rktKind":"stage1","rktVersion":"v1","location":"/nonexistent/\(name)"}' \
                        >'\(fixture.path("etc"))/stage1.d/stage1.json'
                    """,
                ])
            func prepare() async throws -> HostProcess.Outcome {
                try await fixture.spawn(
                    fixture.path("unpacked").appending("rkt"),
                    [
                        "--dir=\(fixture.data)", "--local-config=\(fixture.path("etc"))", "--insecure-options=image",
                        "--debug", "prepare", BuildProducts.image("busybox").string,
                    ]
                ).end()
            }
            let missing = try await prepare()
            #expect(missing.status == 254)
            #expect(missing.error.contains("/nonexistent/\(name)"), "\(missing.error)")
            try await fixture.require(
                "/bin/cp", [BuildProducts.stage1.string, fixture.path("unpacked").appending(name).string])
            let prepared = try await prepare()
            #expect(prepared.status == 0, "\(prepared.error)")
            #expect(
                prepared.error.contains("image: using image from file \(fixture.path("unpacked").appending(name))\n"))
        }
    }
}
