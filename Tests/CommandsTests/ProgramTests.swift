// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct ProgramTests {
    private let recording = RecordingConsole()

    @Test func `without a command the status is 2 and help is shown`() {
        #expect(recording.run() == 2)
        #expect(recording.messages == "rkt: missing command\n")
        #expect(recording.output.contains("COMMANDS:"))
    }

    @Test func `image alone is an error`() {
        #expect(recording.run("image") == 254)
        #expect(recording.messages == "Error: missing command for \"rkt image\"\n")
        #expect(recording.output.contains("rkt image COMMAND"))
    }

    @Test func `an unknown command is told about on standard error alone`() {
        #expect(recording.run("frobnicate") == 254)
        #expect(recording.messages.hasPrefix("Error: unknown command \"frobnicate\" for \"rkt\"\n"))
        #expect(recording.output == "")
    }

    @Test(
        arguments: [
            (["list", "--gibberish"], "unknown flag: --gibberish"),
            (["list", "surplus"], "surplus"),
            (["run", "--exec=/x", "img"], "--exec must follow an image"),
            (["--insecure-options=image,bogus", "list"], "unknown option \"bogus\""),
            (["gc", "--grace-period=soon"], "soon"),
            (["status"], "must provide a pod's UUID"),
            (["status", "a", "b"], "must provide one UUID"),
            (["logs", "--console", "--app=a", "x"], "--console"), (["run-prepared"], "must provide a pod's UUID"),
            (["run-prepared", "a", "b"], "not 1 words more"), (["enter"], "must provide a pod's UUID"),
            (["export", "a"], "must provide a pod's UUID and a file"),
            (["export", "--uuid-file=/a", "b", "c"], "not 2 words"),
            (["image", "rm"], "images"),
            (["image", "list", "--sort=colour"], "unknown column \"colour\""),
            (["fetch"], "must provide at least one image"),
            (
                ["run", "--stage1-path=a", "--stage1-hash=b", "img"],
                "--stage1-path and --stage1-hash cannot be used together"
            ),
            (["fetch", "--pull-policy=sometimes", "img"], "sometimes"),
        ] as [([String], String)])
    func `usage errors show help on standard output and the reason on standard error`(words: [String], reason: String) {
        let status = Program(console: recording.console, isRoot: true).run(words)
        #expect(status == 254)
        #expect(recording.output.contains("USAGE:"))
        #expect(recording.messages.hasPrefix("Error: "))
        #expect(recording.messages.contains(reason), "\(recording.messages)")
    }

    @Test(arguments: ["run", "run-prepared", "prepare", "enter", "gc", "rm"])
    func `commands for root refuse others before they look at anything`(command: String) {
        for arguments in [[command], [command, "--gibberish"], ["--debug", command, "x", "y"]] {
            let recording = RecordingConsole()
            #expect(Program(console: recording.console, isRoot: false).run(arguments) == 254)
            #expect(
                recording.messages
                    == "\(command): cannot run as unprivileged user; run it as root, for instance with sudo\n")
            #expect(recording.output == "")
        }
    }

    @Test func `everybody gets help for every command`() {
        #expect(recording.run("run", "--help", isRoot: false) == 0)
        #expect(recording.output.contains("rkt run"))
        #expect(recording.messages == "")
    }

    @Test func `no image and no manifest is an error of the command`() {
        #expect(recording.run("run", "--net=none") == 254)
        #expect(recording.messages == "run: must provide at least one image or specify the pod manifest\n")
        #expect(recording.output == "")
    }

    @Test(arguments: [
        ["image.aci"], ["--inherit-env"], ["--no-store"], ["--store-only"], ["--set-env=A=B"],
        ["--port=http:80"],
    ])
    func `a pod manifest excludes what describes a pod`(words: [String]) {
        let arguments = ["prepare", "--pod-manifest=/nonexistent"] + words
        #expect(Program(console: recording.console, isRoot: true).run(arguments) == 254)
        #expect(recording.messages.hasSuffix("prepare: conflicting flags set with --pod-manifest (see --help)\n"))
    }

    @Test(
        arguments: [
            (
                ["run", "--mds-register", "--net=none", "img"],
                "run: --mds-register excludes --net=none: the pod would not reach the metadata service\n"
            ),
            (
                ["run-prepared", "--ipc=parent", "x"],
                "run-prepared: --ipc=parent is not supported: pods have an IPC namespace of their own kernel\n"
            ),
        ] as [([String], String)])
    func `what does not work yet is refused in one line`(words: [String], message: String) {
        #expect(Program(console: recording.console, isRoot: true).run(words) == 254)
        #expect(recording.messages == message)
        #expect(recording.output == "")
    }

    @Test(
        arguments: [
            ("--net=none,other", "run: --net=none excludes all other networks\n"),
            ("--net=a,b,a", "run: --net: network \"a\" is given more than once\n"),
            ("--net=no-such-network", "networking: failed to setup network: networks not found: no-such-network ("),
        ])
    func `networks are refused before an image is looked for`(flag: String, message: String) {
        #expect(recording.run("run", flag, "/nonexistent/image.aci") == 254)
        #expect(recording.messages.hasPrefix(message))
    }

    @Test func `a deprecated flag is told about and works`() {
        #expect(recording.run("run", "--no-store") == 254)
        #expect(
            recording.messages == """
                Flag --no-store has been deprecated, please use --pull-policy=update
                run: must provide at least one image or specify the pod manifest

                """)
    }

    @Test func `version names five things`() {
        #expect(recording.run("version", isRoot: false) == 0)
        let keys = recording.output.split(separator: "\n").map { $0.prefix { $0 != ":" } }
        #expect(keys == ["rkt Version", "appc Version", "Swift Version", "Swift OS/Arch", "Features"])
        #expect(recording.messages == "")
    }
}
