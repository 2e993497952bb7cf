// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct DryRunTests {
    @Test(.requires(.ownKernel)) func theMachineIsToldAndNotMade() async throws {
        try await PodFixture.with { fixture in
            let source = fixture.path("source")
            try FileSystem.makeDirectory(source)
            let app = PodFixture.busybox("echo started", name: "a", ["--memory=1Gi", "--cpu=1"])
            let volume = ["--volume=v,kind=host,source=\(source),readOnly=true", "--mount=volume=v,target=/v"]
            let run = try await fixture.rkt(
                ["run", "--dry-run", "--net=default-restricted,default", "--uuid-file-save=\(fixture.path("uuid"))"]
                    + volume + app)
            #expect(run.status == 0)
            #expect(run.complaints == [])
            for line in [
                "backend=\(try TestedStage1.current.backend)",
                "memory=1152MiB", "processors=1",
                "share=\(TestedStage1.has(.plan9) ? "9p" : "virtiofs") \(source) read-only",
                "network=default", "network=default-restricted",
                "isolator=a resource/memory enforced: MemoryMax=1073741824",
                "isolator=a resource/cpu enforced: CPUQuota=100.0%",
            ] { #expect(run.lines.contains(line), "\(run.output)") }
            #expect(!run.output.contains("started"))
            #expect(try HostTraces.below(fixture.data) == [])
            #expect(!FileSystem.exists(fixture.path("uuid")))

            let prepare = try await fixture.rkt(["prepare"] + app)
            let uuid = try #require(prepare.lines.first)
            let prepared = try await fixture.rkt("run-prepared", "--dry-run=json", uuid)
            let preview = try JSONValue(parsing: Array(prepared.output.utf8))
            #expect(preview.value(forKey: "memoryMiB")?.int == 1152)
            #expect(try await fixture.status(uuid)["state"] == "prepared")
            #expect(try Mount.points(beneath: fixture.data) == [])
            // It can still be run, and gets that machine.
            let real = try await fixture.rkt("run-prepared", uuid)
            #expect(real.texts(of: "a") == ["started"])
            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            for key in ["memoryMiB", "processors", "accelerator", "isolators"] {
                #expect(status.value(forKey: "machine")?.value(forKey: key) == preview.value(forKey: key), "\(key)")
            }
        }
    }

    @Test func aPodIsToldAndNotRun() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run", "--dry-run"] + PodFixture.busybox("echo started"))
            #expect(run.status == 0, "\(run.error)")
            #expect(run.lines.contains("backend=\(try TestedStage1.current.backend)"), "\(run.output)")
            #expect(!run.output.contains("started"))
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    @Test(.requires(.supervisor)) func whatCannotRunIsRefused() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run", "--dry-run"] + PodFixture.busybox(":", ["--user=stranger"]))
            #expect(run.status == 254)
            #expect(run.output == "")
            #expect(run.complaints.count == 1)
            #expect(run.error.contains("stranger"))
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }
}
