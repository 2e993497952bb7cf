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

    /// What is offered for each row, one shell for each.
    private func check(
        _ program: FilePath, _ scratch: ScratchDirectory, environment: [String: String] = [:],
        rows: [Row] = Self.rows + [Self.laterImage], arguments: (String) -> [String], result: FilePath? = nil
    ) async throws {
        for (number, row) in rows.enumerated() {
            if let result { try FileSystem.write([], to: result) }
            let process = try HostProcess(
                program, arguments(row.line), environment: environment, log: scratch.appending("log-\(number)"))
            let outcome = try await process.end(within: .seconds(60))
            let output = try result.map { try FileSystem.readText($0) } ?? outcome.output
            let offers = Set(
                output.split(separator: "\n").map { line in
                    // A description may follow; what stands before a value, and the = after a flag, are the shell's affair.
                    let item = line.prefix { $0 != "\t" }
                    return String((item.last == "=" ? item.dropLast() : item).split(separator: "=").last ?? "")
                })
            #expect(offers.subtracting([""]) == Set(row.offers), "\(row.line): \(outcome.error)")
        }
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
            COMP_LINE=$1 COMP_POINT=${#1}
            _rkt 2>&1
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        try await check("/bin/bash", scratch, arguments: { ["--norc", "-c", program, "bash", $0] })
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
            complete -C "$argv[1]"
            """
        try await check(
            "/usr/bin/fish", scratch, environment: ["HOME": scratch.path.string], rows: Self.rows,
            arguments: { ["--no-config", "-c", program, $0] })
    }

    /// The completion system of zsh works where somebody types only, so the script runs in a shell on a terminal, which
    /// notes what is offered and ends.
    @Test(.requires("zsh")) func `zsh offers what fits`() async throws {
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
            finish() { kill -9 $$ }
            comppostfuncs=(finish)
            """)
        let program = """
            zmodload zsh/zpty
            zpty terminal zsh -f -i
            zpty -w terminal 'autoload -Uz compinit; compinit -u -D; source \(script); source \(typing)'
            zpty -w -n terminal "$1"$'\\t'
            while zpty -r terminal chunk; do :; done
            """
        try await check("/bin/zsh", scratch, arguments: { ["-f", "-c", program, "zsh", $0] }, result: offered)
    }
}
