// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Streams that are for attached clients, with nobody attached.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct StreamModeTests {
    @Test func appsGoOnWithNobodyAttachedAndOtherStreamsAreAsEver() async throws {
        let much = "head -c 104857600 /dev/zero; echo written >&2; readlink /proc/$$/fd/1 | cut -d: -f1 >&2"
        let terminal = """
            for f in 0 1; do [ -t $f ] && echo is-$f >&2; done; [ -t 2 ] || echo log >&2; stty size >&2; seq 50000
            echo told >&2
            """
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox(terminal, name: "screen", ["--stdin=tty", "--stdout=tty"])
                    + PodFixture.busybox("readlink /proc/self/fd/0 | cut -d: -f1", name: "input", ["--stdin=stream"])
                    + PodFixture.busybox(much, name: "much", ["--stdout=stream"])
                    + PodFixture.busybox(
                        "echo by name >/dev/stdout && echo opened >&2", name: "names",
                        ["--stdout=stream", "--user=5", "--group=6"]))
            #expect(run.status == 0)
            #expect(run.texts(of: "much") == ["written", "pipe"])
            #expect(run.texts(of: "input") == ["pipe"])
            // Another user may open what its own streams are.
            #expect(run.texts(of: "names") == ["opened"])
            #expect(run.texts(of: "screen") == ["is-0", "is-1", "log", "24 80", "told"])
        }
    }

    @Test func whatCannotBeIsRefusedBeforeAPodIsMade() async throws {
        try await PodFixture.with { fixture in
            for (flags, reason) in [
                (["--stdin=log"], "--stdin=log is none of null, stream, tty, interactive"),
                (["--stdout=file"], "--stdout=file is none of log, null, stream, tty, interactive"),
                (["--stdout=interactive", "--stderr=stream"], "it excludes --stderr=stream"),
            ] {
                let run = try await fixture.rkt(["run"] + PodFixture.busybox(":", flags))
                #expect(run.status == 254)
                #expect(run.complaints.count == 1)
                #expect(run.error.contains(reason))
            }
            #expect(fixture.uuids.isEmpty)
        }
    }

    @Test func aStreamCanAskForTheCallersTerminal() async throws {
        try await PodFixture.with { fixture in
            let terminal = try PseudoTerminal()
            let run = try fixture.start(
                ["run"] + PodFixture.busybox("[ -t 0 ] && [ -t 2 ] && echo terminals; exit 3", ["--stdin=interactive"]),
                input: .terminal(terminal))
            #expect(try await run.end(within: .seconds(60)).status == 3)
            #expect(terminal.lines.contains("terminals"))
        }
    }
}
