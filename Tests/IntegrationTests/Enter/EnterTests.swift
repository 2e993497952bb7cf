// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct EnterTests {
    @Test func commandsRunBesideAnApp() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                script: "echo $$ >/main; exec sleep 100000", options: ["--set-env=COLOR=green"])

            // Statuses and streams.
            let end = try await pod.enter(["/bin/sh", "-c", "echo out; echo err >&2; exit 17"])
            #expect(end.status == 17)
            #expect(end.output == "out\n")
            #expect(end.error == "err\n")
            #expect(try await pod.enter(["/bin/sh", "-c", "kill -USR1 $$"]).status == 128 + 10)
            #expect(try await pod.enter(["true"]).status == 0)
            let missing = try await pod.enter(["/no/such"])
            #expect(missing.status == 1)
            #expect(missing.error == "Error: Unable to open \"/no/such\": No such file or directory\n")
            try FileSystem.write("\(pod.uuid)\n".utf8, to: fixture.path("file"))
            let named = try await fixture.rkt("enter", "--uuid-file=\(fixture.path("file"))", "/bin/echo", "--app=x")
            #expect(named.output == "--app=x\n")
            let shell = try await fixture.rkt("enter", pod.uuid)
            #expect(shell.status == 1)
            #expect(shell.error.contains("enter: no command specified, assuming \"/bin/bash\"\n"))
            #expect(shell.error.contains("\"/bin/bash\""))

            // The app's own surroundings: its processes, files and variables, and the caller's TERM.
            #expect(try await pod.shell("cat /proc/$(cat /main)/comm") == "sleep")
            let variables = try await pod.enter(["env"], environment: ["TERM": "vt52", "COLOR": "red"]).lines
            for variable in ["COLOR=green", "AC_APP_NAME=busybox", "TERM=vt52"] {
                #expect(variables.contains(variable))
            }
            // Neither spared more than the app when memory is short, nor with other limits; no signal is ignored by either.
            let each = """
                cat /proc/$p/oom_score_adj; awk '/open files/ { print $4 }' /proc/$p/limits
                awk '/SigIgn/ { print $2 }' /proc/$p/status
                """
            let process = try await pod.shell("for p in self $(cat /main); do \(each); done").split(separator: "\n")
            #expect(process.count == 6 && process.prefix(3) == process.suffix(3), "\(process)")
            // Beyond the first 31 are those that libraries of threads keep to themselves, which nobody can set.
            let ignored = try #require(process.last.flatMap { UInt64($0, radix: 16) })
            #expect(ignored & 0x7fff_ffff == 0, "\(process)")
            let odd = try await pod.enter(["printf", "<%s>", "a b", "", "$HOME", "--help", "two\nlines"])
            #expect(odd.output == "<a b><><$HOME><--help><two\nlines>")

            // A mebibyte through a pipe, there and back.
            let enter = "\(BuildProducts.rkt) \(fixture.options.joined(separator: " ")) enter \(pod.uuid)"
            let sums = try await fixture.shell(
                """
                head -c 1048576 /dev/urandom >\(fixture.path("random"))
                md5sum <\(fixture.path("random"))
                cat \(fixture.path("random")) | \(enter) md5sum
                cat \(fixture.path("random")) | \(enter) cat | md5sum
                """)
            #expect(sums.lines.count == 3)
            #expect(Set(sums.lines).count == 1)
            // A command that does not want all of its input.
            let head = try await fixture.shell("cat /dev/zero | \(enter) head -c 5 | od -An -tx1")
            #expect(head.status == 0)
            #expect(head.output == " 00 00 00 00 00\n")
            #expect(head.error == "")
            // A reader that does not want all of the output.
            let reader = try await fixture.shell("\(enter) yes | head -n 2", within: .seconds(30))
            #expect(reader.output == "y\ny\n")

            // Signals reach the command, and nothing of it is left.
            let sleeper = try pod.startEnter(["sleep", "424242"])
            while try await pod.shell("ps | grep -c '[s]leep 424242'") != "1" {}
            try sleeper.signal(2)
            #expect(try await sleeper.end(within: .seconds(10)).status == 128 + 2)
            let killed = try pod.startEnter(["sleep", "424242"])
            while try await pod.shell("ps | grep -c '[s]leep 424242'") != "1" {}
            killed.kill()
            while try await pod.shell("ps | grep -c '[s]leep 424242'") != "0" {}

            // Several at a time.
            let several = try (1...5).map { number in
                try pod.startEnter([
                    "/bin/sh", "-c", "for i in 1 2 3 4 5; do echo \(number); usleep 10000; done; exit \(number)",
                ])
            }
            for (index, process) in several.enumerated() {
                let outcome = try await process.end()
                #expect(outcome.status == Int32(index + 1))
                #expect(outcome.lines == Array(repeating: "\(index + 1)", count: 5))
            }

            // Nothing of this appears in the pod's own output, and the pod goes on to its orderly end.
            let run = try await pod.stop()
            #expect(run.status == 0)
            #expect(run.output == "")
            let ended = try await pod.enter(["true"])
            #expect(ended.status == 254)
            #expect(ended.error == "enter: pod \"\(pod.uuid)\" isn't currently running\n")
        }
    }

    @Test func theAppIsChosenByName() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                PodFixture.busybox("exec sleep 100000", name: "front")
                    + PodFixture.busybox("exec sleep 100000", name: "back"))
            #expect(try await pod.shell("echo $AC_APP_NAME", app: "front") == "front")
            #expect(try await pod.shell("echo $AC_APP_NAME >/mark; cat /mark", app: "back") == "back")
            #expect(try await pod.enter(app: "front", ["cat", "/mark"]).status == 1)
            let nobody = try await pod.enter(app: "middle", ["true"])
            #expect(nobody.status == 254)
            #expect(nobody.complaints.count == 1)
            #expect(nobody.error.contains("has no app \"middle\"; it has \"front\", \"back\""))
            let either = try await pod.enter(["true"])
            #expect(either.status == 254)
            #expect(either.error.contains("unable to determine app name"))
            let noPod = try await fixture.rkt("enter", "00000000", "true")
            #expect(noPod.status == 254)
            #expect(noPod.error.contains("no matches found for \"00000000\""))
            #expect(try await pod.stop().status == 0)
        }
    }

    @Test func aTerminalIsPassedThrough() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let terminal = try TestSupport.PseudoTerminal(rows: 33, columns: 101)
            let before = terminal.modes
            let enter = try pod.startEnter(
                ["/bin/sh"], environment: ["TERM": "vt100", "PS1": "$ "], input: .terminal(terminal))
            try terminal.type(
                "tty; stty size; echo $TERM; for f in 0 1 2; do [ -t $f ] && echo is-$f; done; echo done-$((1+1))\n")
            try await terminal.awaitText("done-2")
            #expect(terminal.lines.contains { $0.wholeMatch(of: /\/dev\/pts\/[0-9]+/) != nil })
            for line in ["33 101", "vt100", "is-0", "is-1", "is-2"] { #expect(terminal.lines.contains(line)) }
            #expect(terminal.modes != before)

            terminal.resize(rows: 12, columns: 34)
            try await eventually("the new size in the guest") {
                try terminal.type("stty size\n")
                usleep(200_000)
                return terminal.lines.contains("12 34")
            }
            // Control-C is for the command in the guest.
            try terminal.type("echo ready-$((2+2)); sleep 55555\n")
            try await terminal.awaitText("ready-4")
            while try await pod.shell("ps | grep -c '[s]leep 55555'") != "1" {}
            try terminal.type("\u{3}")
            try terminal.type("echo after-$((3+3))\n")
            try await terminal.awaitText("after-6", within: .seconds(20))
            #expect(try await pod.shell("ps | grep -c '[s]leep 55555'") == "0")
            try terminal.type("exit 9\n")
            #expect(try await enter.end(within: .seconds(20)).status == 9)
            #expect(terminal.modes == before)
            #expect(try await pod.stop().status == 0)
        }
    }
}
