// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

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
    @Test func outputIsCompleteUnchangedAndInOrder() async throws {
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
}
