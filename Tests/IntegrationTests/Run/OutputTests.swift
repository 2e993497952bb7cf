// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct OutputTests {
    @Test func outputOfAnAppThatExitsAtOnceIsComplete() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                "run", BuildProducts.image("busybox").string, "--name=once", "--exec=echo", "--", "two  words")
            #expect(run.status == 0)
            #expect(run.foreignLines.isEmpty)
            #expect(run.texts(of: "once") == ["two  words"])
        }
    }

    /// The journal, through which lines come, drops blanks at the end of a line.
    @Test(.requires(.supervisor)) func outputIsCompleteUnchangedAndInOrder() async throws {
        let script = """
            i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done
            i=0; while [ $i -lt 100 ]; do echo "error $i" >&2; i=$((i+1)); done
            echo '  blanks before'; printf 'a\ttab\n'; echo '<3>not a priority'; echo 'grüße'; echo '%s %n \\n'
            head -c 5000 /dev/zero | tr '\\0' a; echo; head -c 30000 /dev/zero | tr '\\0' b; echo
            printf last
            """
        var expected = (0..<2000).map { "line \($0)" } + (0..<100).map { "error \($0)" }
        expected += ["  blanks before", "a\ttab", "<3>not a priority", "grüße", "%s %n \\n"]
        expected += [String(repeating: "a", count: 5000), String(repeating: "b", count: 30000), "last"]
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run"] + PodFixture.busybox(script))
            #expect(run.status == 0)
            #expect(run.foreignLines.isEmpty)
            let texts = run.texts()
            #expect(texts.count == expected.count)
            let difference = zip(texts, expected).first { $0 != $1 }
            #expect(difference == nil, "the first line that differs")
        }
    }

    /// More than the guest keeps of what has not been passed on yet.
    @Test func muchOutputIsComplete() async throws {
        let script = """
            i=0
            while [ $i -lt 40 ]; do
                seq $((i * 1000)) $((i * 1000 + 999)) | sed 's/$/ some text that makes a line of usual length of it, and more/'
                i=$((i + 1))
            done
            """
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run"] + PodFixture.busybox(script))
            #expect(run.status == 0)
            #expect(run.complaints.isEmpty)
            let numbers = run.texts().compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
            #expect(numbers.count == 40_000)
            #expect(zip(numbers, 0...).first { $0 != $1 } == nil, "the first number that is not in its place")
        }
    }

    @Test(.requires(.supervisor)) func readerThatTakesItsTimeGetsEverything() async throws {
        try await PodFixture.with { fixture in
            let go = fixture.path("go"), status = fixture.path("status")
            try await fixture.require("/usr/bin/mkfifo", [go.string])
            let arguments =
                fixture.options + ["run"] + fixture.stage1Options
                + PodFixture.busybox("i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i + 1)); done; exit 6")
            let words = arguments.map { "'\($0)'" }.joined(separator: " ")
            let pipe = try fixture.spawn(
                "/bin/sh",
                ["-c", "{ \(BuildProducts.rkt) \(words); echo $? >\(status); } | { read line <\(go); cat; }"])
            // What the app ended with is known although nobody has read its lines.
            try await eventually("the app's status", within: .seconds(90)) {
                fixture.uuids.first.map { uuid in
                    let directory = fixture.data.appending("pods").appending("run").appending(uuid)
                    let file = directory.appending("stage1/rootfs/rkt/status/busybox")
                    return (try? FileSystem.readText(file)) == "6\n"
                } ?? false
            }
            #expect(!FileSystem.exists(status))
            try await fixture.require("/bin/sh", ["-c", "echo >\(go)"])
            let outcome = try await pipe.end()
            #expect(outcome.texts() == (0..<9000).map { "line \($0)" })
            #expect(try FileSystem.readText(status) == "6\n")
        }
    }

    @Test(.requires(.supervisor)) func appGoesOnWhenItsReaderLeaves() async throws {
        try await PodFixture.with { fixture in
            let words =
                (fixture.options + ["run"] + fixture.stage1Options
                + PodFixture.busybox("i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i + 1)); done; exit 6"))
                .map { "'\($0)'" }.joined(separator: " ")
            let outcome = try await fixture.shell(
                "{ set +e; \(BuildProducts.rkt) \(words); echo $? >\(fixture.path("status")); } | head -n 1")
            #expect(outcome.texts() == ["line 0"])
            #expect(try FileSystem.readText(fixture.path("status")) == "6\n")
        }
    }
}
