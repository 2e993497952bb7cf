// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the shells themselves offer with the scripts of `rkt completion`.
struct ShellCompletionTests {
    struct Row: Sendable {
        let line: String
        let offers: [String]

        init(_ line: String, _ offers: String...) {
            self.line = line
            self.offers = offers
        }
    }

    private static let pod = "11111111-2222-4333-8444-555555555555"

    static let rows = [
        Row("rkt ru", "run", "run-prepared"), Row("rkt image li", "list"), Row("rkt help im", "image"),
        Row("rkt help image ca", "cat-manifest"), Row("rkt completion z", "zsh"),
        Row("rkt --dir=/d stat", "status"), Row("rkt --dir /d stat", "status"), Row("rkt --de", "--debug"),
        Row("rkt run --pull-pol", "--pull-policy"), Row("rkt run --pull-policy=ne", "never", "new"),
        Row("rkt run --pull-policy ne", "never", "new"), Row("rkt run img --stdout=n", "null"),
        Row("rkt run --no-overlay=t", "true"), Row("rkt status --wa", "--wait", "--wait-ready"),
        Row("rkt status --wait 1", pod), Row("rkt image list --order d", "desc"),
        Row("rkt list --format=json-", "json-pretty"), Row("rkt --insecure-options=sec", "seccomp"),
        Row("rkt stop 1", pod), Row("rkt stop --force 1", pod), Row("rkt image rm exa", "example.com/web:1"),
        Row("rkt run img -- --pull-pol"),
        Row("rkt version --quie"), Row("rkt frobnicate --forc"),
    ]

    /// fish takes everything after `--` for words, whatever follows.
    static let laterImage = Row("rkt run img -- --- other --memo", "--memory")

    /// A file that holds a script.
    private func file(_ scratch: ScratchDirectory, _ name: String, _ text: String) throws -> String {
        let path = scratch.appending(name)
        try FileSystem.write(Array(text.utf8), to: path)
        return path.string
    }

    /// Compares what a shell has offered, after each row a line with an @, with what it should.
    private func check(_ rows: [Row], _ output: String) {
        let groups = output.split(separator: "\n").split(separator: "@", omittingEmptySubsequences: false)
        #expect(groups.count == rows.count + 1)
        for (row, lines) in zip(rows, groups) {
            let offers = lines.map { line in
                // A description may follow; what stands before a value, and the = after a flag, are the shell's affair.
                let item = line.prefix { $0 != "\t" }
                return String((item.last == "=" ? item.dropLast() : item).split(separator: "=").last ?? "")
            }
            #expect(Set(offers) == Set(row.offers), "\(row.line)")
        }
    }

    private func run(
        _ program: FilePath, _ arguments: [String], _ rows: [Row], _ scratch: ScratchDirectory
    ) async throws -> String {
        let process = try HostProcess(
            program, arguments + rows.map(\.line), environment: ["HOME": scratch.path.string],
            log: scratch.appending("log"))
        let outcome = try await process.end()
        #expect(outcome.error == "")
        return outcome.output
    }

    private static let fake = """
        case $* in
        *'image list'*) printf '%s\\n' example.com/web:1 ;;
        *list*) printf '%s\\tweb\\n' \(pod) ;;
        esac
        """

    @Test(.requires("bash")) func `bash offers what fits`() async throws {
        let scratch = try ScratchDirectory()
        let script = try file(scratch, "rkt.bash", Shell.bash.completion)
        let program = """
            source \(script)
            rkt() { \(Self.fake); }
            for line in "$@"; do
                COMP_LINE=$line COMP_POINT=${#line}
                _rkt
                printf '%s\\n' "${COMPREPLY[@]}" @
            done
            """
        let rows = Self.rows + [Self.laterImage]
        check(rows, try await run("/bin/bash", ["--norc", "-c", program, "bash"], rows, scratch))
    }

    @Test(.requires("bash")) func `bash is given only what follows the last colon`() async throws {
        let scratch = try ScratchDirectory()
        let script = try file(scratch, "rkt.bash", Shell.bash.completion)
        let program = """
            source \(script)
            rkt() { \(Self.fake); }
            COMP_LINE='rkt image rm example.com/web:' COMP_POINT=29
            _rkt
            printf '<%s>' "${COMPREPLY[@]}"
            """
        let process = try HostProcess("/bin/bash", ["--norc", "-c", program], log: scratch.appending("log"))
        #expect(try await process.end().output == "<1>")
    }

    @Test(.requires("fish")) func `fish offers what fits`() async throws {
        let scratch = try ScratchDirectory()
        let script = try file(scratch, "rkt.fish", Shell.fish.completion)
        let program = """
            source \(script)
            function rkt
                switch "$argv"
                    case '*image list*'
                        echo example.com/web:1
                    case '*list*'
                        printf '%s\\tweb\\n' \(Self.pod)
                end
            end
            for line in $argv
                complete -C "$line"
                echo @
            end
            """
        check(Self.rows, try await run("/usr/bin/fish", ["--no-config", "-c", program], Self.rows, scratch))
    }

    /// The completion system of zsh works where somebody types only, so the script runs in a shell on a terminal, which
    /// notes what is offered.
    @Test(.requires("zsh"), .timeLimit(.minutes(5))) func `zsh offers what fits`() async throws {
        let scratch = try ScratchDirectory()
        let script = try file(scratch, "rkt.zsh", Shell.zsh.completion)
        let offered = scratch.appending("offered")
        let typing = try file(
            scratch, "typing.zsh",
            """
            rkt() { \(Self.fake); }
            compadd() {
                local -a offered
                if (( ${@[(I)-(O|A|D)]} )); then builtin compadd "$@"; return; fi
                builtin compadd -A offered "$@"
                print -rl -- $offered >>\(offered)
                builtin compadd "$@"
            }
            complete-and-tell() {
                zle expand-or-complete
                print -r -- @ >>\(offered)
                print -rn -- '@told@' >/dev/tty
            }
            zle -N complete-and-tell
            bindkey '^I' complete-and-tell
            """)
        let program = """
            zmodload zsh/zpty
            zpty terminal zsh -f -i
            zpty -w terminal 'PS1=; autoload -Uz compinit; compinit -u -D; source \(script); source \(typing)'
            for line in "$@"; do
                zpty -w -n terminal $'\\C-u'"$line"$'\\t'
                zpty -r terminal chunk '*@told@*'
            done
            zpty -d terminal
            """
        let rows = Self.rows + [Self.laterImage]
        _ = try await run("/bin/zsh", ["-f", "-c", program, "zsh"], rows, scratch)
        check(rows, try FileSystem.readText(offered))
    }
}
