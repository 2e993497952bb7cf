// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct AttachTests {
    /// Says what it reads, and complains of some of it.
    private static let echo = """
        while read line; do case "$line" in bad*) echo "$line" >&2;; *) echo "<$line>";; esac; done; echo end
        """

    @Test func streamsAreJoinedLeftAndJoinedAgain() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                PodFixture.busybox(
                    Self.echo, name: "echo", ["--stdin=stream", "--stdout=stream", "--stderr=stream"])
                    + PodFixture.busybox("exec sleep 100000", name: "plain"))

            // What there is, and what is not.
            let list = try await pod.attach(app: "echo", ["--mode=list"])
            #expect(list.status == 0)
            let targets = ["stdin", "stdout", "stderr"].map {
                #"{"name":"\#($0)","domain":"unix","address":"/rkt/iottymux/echo/sock-\#($0)"}"#
            }
            #expect(list.output == "{\"version\":1,\"targets\":[\(targets.joined(separator: ","))]}\n")
            for (app, flags, reason) in [
                (nil, [], "unable to determine app name"), ("other", [], "has no app \"other\""),
                ("echo", ["--mode=both"], "--mode=both is none of auto, list, tty"),
                ("echo", ["--mode=stdin,tty"], "--mode=stdin,tty is none of"),
                ("echo", ["--mode=tty"], "app \"echo\" has no endpoint \"tty\"; it has stdin, stdout, stderr"),
                ("plain", [], "app \"plain\" cannot be attached to: none of its streams"),
                ("plain", ["--mode=list"], "app \"plain\" cannot be attached to: none of its streams"),
            ] as [(String?, [String], String)] {
                let refused = try await pod.attach(app: app, flags)
                #expect(refused.status == 254)
                #expect(refused.output == "")
                #expect(refused.error.split(separator: "\n").count == 1)
                #expect(refused.error.contains(reason), "\(refused.error)")
            }

            // Each stream alone. A client that only types ends when all is typed; others are told of what was before.
            let typed = try await pod.type("one\nbad two\n", into: "echo")
            #expect(typed.status == 0)
            #expect(typed.output + typed.error == "")
            let output = try pod.startAttach(app: "echo", ["--mode=stdout"])
            try await output.awaitOutput("<one>\n")
            let errors = try pod.startAttach(app: "echo", ["--mode=stderr"])
            try await eventually("the app's complaint") { errors.error == "bad two\n" }

            // Everything at once; the end of a client's input is not the app's, and its end by a signal is neither.
            let both = try pod.startAttach(app: "echo", input: .file(pod.typed("three\nbad four\n")))
            try await both.awaitOutput("<three>\n")
            try await eventually("the app's complaint") { both.error.hasSuffix("bad four\n") }
            try both.signal(SIGINT)
            #expect(try await both.end(within: .seconds(20)).status == 128 + SIGINT)

            // Several who type at a time: their lines arrive whole.
            let lines = (0..<10).map { String(repeating: "\($0)", count: 300) }
            let writers = try lines.map { line in
                try pod.startAttach(app: "echo", ["--mode=stdin,stderr"], input: .file(pod.typed(line + "\n")))
            }
            for line in lines { try await output.awaitOutput("<\(line)>\n") }
            for writer in writers { writer.kill() }
            #expect(output.error == "")
            #expect(errors.output == "")

            // A program that knows nothing but sockets.
            let directory = pod.directory.appending("stage1/rootfs/rkt/iottymux/echo")
            let plain = try UnixSocket.connect(directory.appending("sock-stdin"))
            try FileSystem.writeAll(Array("by socket\n".utf8), to: plain)
            try plain.close()
            try await output.awaitOutput("<by socket>\n")

            // Again, with the history; now the app is told of the end.
            let last = try await pod.attach(
                app: "echo", ["--mode=stdin,stdout", "--end-input"], input: .file(pod.typed("five\n")))
            #expect(last.status == 0)
            #expect(last.output.hasPrefix("<one>\n<three>\n"))
            #expect(last.output.hasSuffix("<by socket>\n<five>\nend\n"))
            for client in [output, errors] { #expect(try await client.end(within: .seconds(20)).status == 0) }
            #expect(output.output == last.output)
            #expect(errors.error == "bad two\nbad four\n")
            while try await pod.status()["app-echo"] != "0" {}
            for flags in [[], ["--mode=list"]] {
                let late = try await pod.attach(app: "echo", flags)
                #expect(late.status == 254)
                #expect(late.error == "attach: app \"echo\" has ended\n")
            }
            #expect(!FileSystem.exists(directory.appending("endpoints")))

            // Neither run nor the journal has seen any of this.
            let run = try await pod.stop()
            #expect(run.status == 0)
            #expect(run.texts(of: "echo").isEmpty)
            let ended = try await pod.attach(app: "echo")
            #expect(ended.status == 254)
            #expect(ended.error == "attach: pod \"\(pod.uuid)\" isn't currently running\n")
        }
    }

    @Test func terminalsAreSharedAndLeftWithKeys() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                PodFixture.busybox(
                    "exec sh -i", name: "shell", ["--stdin=tty", "--stdout=tty", "--stderr=tty"])
                    + PodFixture.busybox(
                        "while :; do echo shown; sleep 1; done", name: "screen", ["--stdout=tty", "--stderr=stream"]))
            let list = try await pod.attach(app: "screen", ["--mode=list"])
            #expect(list.output.contains(#""targets":[{"name":"stderr""#))
            #expect(list.output.contains(#"{"name":"tty","domain":"unix","address":"/rkt/iottymux/screen/sock-tty"}]"#))
            let refused = try await pod.attach(app: "screen", ["--mode=tty-in"])
            #expect(refused.status == 254)
            #expect(refused.error.contains("app \"screen\" has no endpoint \"tty-in\"; it has stderr, tty"))

            let first = try PseudoTerminal(rows: 33, columns: 101)
            let before = first.modes
            let one = try pod.startAttach(app: "shell", input: .terminal(first))
            try await eventually("a raw terminal") { first.modes != before }
            try first.type("for f in 0 1 2; do [ -t $f ] && echo is-$f; done; stty size; tty; echo did-$((1+1))\r")
            try await first.awaitText("did-2")
            for line in ["is-0", "is-1", "is-2", "33 101"] { #expect(first.lines.contains(line)) }
            #expect(first.lines.contains { $0.hasPrefix("/dev/pts/") })

            // The window of whoever came or changed last.
            let second = try PseudoTerminal(rows: 20, columns: 60)
            let two = try pod.startAttach(app: "shell", ["--mode=tty"], input: .terminal(second))
            try await second.awaitText("did-2")
            try await eventually("the size of the second window") {
                try second.type("stty size\r")
                usleep(200_000)
                return second.lines.contains("20 60") && first.lines.contains("20 60")
            }
            first.resize(rows: 12, columns: 70)
            try await eventually("the new size of the first window") {
                try first.type("stty size\r")
                usleep(200_000)
                return second.lines.contains("12 70")
            }

            // Control-C is for the app, and three times Ctrl-] for the client.
            try first.type("echo ready-$((2+2)); sleep 55555\r")
            try await first.awaitText("ready-4")
            while try await pod.shell("ps | grep -c '[s]leep 55555'", app: "shell") != "1" {}
            try first.type("\u{3}")
            try first.type("echo after-$((3+3))\r")
            try await first.awaitText("after-6")
            #expect(one.isRunning)
            try first.type("\u{1D}\u{1D}\u{1D}")
            #expect(try await one.end(within: .seconds(20)).status == 0)
            #expect(first.modes == before)

            // One way only: what is shown, and what is typed.
            let shown = try pod.startAttach(app: "shell", ["--mode=tty-out"])
            try await shown.awaitOutput("after-6")
            let typed = try await pod.type("\u{3}\recho typed-$((4+4))\r", into: "shell", mode: "tty-in")
            #expect(typed.status == 0)
            #expect(typed.output + typed.error == "")
            try await second.awaitText("typed-8")
            try await shown.awaitOutput("typed-8")
            let screen = try pod.startAttach(app: "screen", ["--mode=tty"])
            try await screen.awaitOutput("shown\r\n")
            screen.kill()

            // The end of input is a key of the terminal's, which ends the shell and with it its clients.
            #expect(try await pod.type("", into: "shell", mode: "tty-in", ["--end-input"]).status == 0)
            // A shell that was between two lines has not seen it.
            while two.isRunning {
                usleep(300_000)
                _ = try await pod.type("", into: "shell", mode: "tty-in", ["--end-input"])
            }
            #expect(try await two.end(within: .seconds(30)).status == 0)
            #expect(try await shown.end(within: .seconds(30)).status == 0)
            #expect(try await pod.stop().status == 0)
        }
    }

    @Test func manyClientsGetTheSameAndAStoppedOneHoldsUpNobody() async throws {
        let size = 64 << 20
        let script = """
            echo ready; read go; seq 1 20000; read go
            dd if=/dev/zero bs=65536 count=\(size >> 16) 2>/dev/null; echo; echo done; echo written >&2; read go
            """
        let small = "ready\n" + (1...20000).map { "\($0)\n" }.joined()
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                PodFixture.busybox(script, name: "writer", ["--stdin=stream", "--stdout=stream"]))
            let clients = try (0..<10).map { _ in try pod.startAttach(["--mode=stdout"]) }
            for client in clients { try await client.awaitOutput("ready\n") }
            #expect(try await pod.type("go\n").status == 0)
            for client in clients { try await client.awaitOutput("\n20000\n") }
            #expect(clients.allSatisfy { $0.output == small && $0.error == "" })

            for client in clients[3...] { client.kill() }
            let stopped = clients[0]
            try stopped.signal(SIGSTOP)
            #expect(try await pod.type("go\n").status == 0)
            try await pod.awaitOutput("written", within: .seconds(120))
            #expect(pod.process.isRunning)
            try stopped.signal(SIGCONT)
            try await stopped.awaitOutput("\ndone\n")
            #expect(try await pod.type("go\n").status == 0)
            for client in clients[..<3] {
                let end = try await client.end(within: .seconds(60))
                #expect(end.status == 0)
                #expect(end.output.hasPrefix(small))
                #expect(end.output.hasSuffix("\ndone\n"))
                // One that is slower than the app is told what it does not get.
                let left = end.error.split(separator: "\n").compactMap { line in
                    line.wholeMatch(of: /attach: ([0-9]+) bytes of stdout were left out/).flatMap { Int($0.1) }
                }
                #expect(left.count == end.error.split(separator: "\n").count)
                #expect(end.output.utf8.count + left.reduce(0, +) == small.utf8.count + size + "\ndone\n".utf8.count)
                if client === stopped { #expect(left.reduce(0, +) > size / 2) }
            }
            let run = try await pod.process.end()
            #expect(run.status == 0)
            #expect(run.texts(of: "writer") == ["written"])
        }
    }
}
