// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.severalApps), .podLogs, .timeLimit(.minutes(5)))
struct SeveralAppsTests {
    /// How the second app ends, and with what status.
    @Test(arguments: [("exit 7", 7), ("kill -TERM $$", 143)])
    func failureOfOneAppStopsTheOthers(_ end: String, _ status: Int32) async throws {
        let patient = "trap 'echo stopping; exit 3' TERM; echo up; sleep 98765 & wait $!"
        // The others' traps are set when their sleeps are there; the pod's apps share a PID namespace. The shells have the
        // same words, and more after them.
        let failing = "until [ $(ps | grep -c '[s]leep 98765$') -ge 2 ]; do usleep 50000; done; echo failing; \(end)"
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox(patient, name: "a") + PodFixture.busybox(failing, name: "b")
                    + PodFixture.busybox(patient, name: "c"))
            #expect(run.status == status)
            #expect(run.complaints.isEmpty)
            #expect(run.texts(of: "a") == ["up", "stopping"])
            #expect(run.texts(of: "b") == ["failing"])
            #expect(run.texts(of: "c") == ["up", "stopping"])
            let uuid = try #require(fixture.uuids.first)
            let recorded = try await fixture.status(uuid)
            #expect(recorded["app-a"] == "0")
            #expect(recorded["app-b"] == "\(status)")
            #expect(recorded["app-c"] == "0")
        }
    }

    @Test func podLivesUntilItsLastAppEnds() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo first", name: "a")
                    + PodFixture.busybox("sleep 1; echo second", name: "b")
                    + PodFixture.busybox(
                        "while ps | grep -q '[s]leep 1'; do usleep 50000; done; sleep 2; echo third", name: "c"))
            #expect(run.status == 0)
            #expect(run.texts(of: "a") == ["first"])
            #expect(run.texts(of: "b") == ["second"])
            #expect(run.texts(of: "c") == ["third"])
            let uuid = try #require(fixture.uuids.first)
            let recorded = try await fixture.status(uuid)
            #expect(["app-a", "app-b", "app-c"].map { recorded[$0] } == ["0", "0", "0"])
            // In the order of the command line.
            let list = try await fixture.rkt("list", "--no-legend")
            #expect(list.lines.map { $0.split(separator: "\t")[$0.hasPrefix("\t") ? 0 : 1] } == ["a", "b", "c"])
        }
    }
}
