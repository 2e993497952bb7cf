// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

/// Compares the flags of the manual with those that the program says it has, and has.
struct ManualFlagTests {
    @Test func `no flag of the manual is missing from the help`() throws {
        try #require(ManualFlag.all.count > 150)
        var pages: [String: Set<String>] = [:]
        for flag in ManualFlag.all where flag.marks.isEmpty {
            let command = flag.command.joined(separator: " ")
            if pages[command] == nil {
                let recording = RecordingConsole()
                #expect(Program(console: recording.console, isRoot: true).run(flag.command + ["--help"]) == 0)
                let letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
                pages[command] = Set(recording.output.split { !letters.contains($0) }.map(String.init))
            }
            #expect(pages[command]?.contains("--\(flag.name)") == true, "\(flag)")
        }
    }

    @Test func `every flag of the manual takes the value that it has there`() throws {
        for flag in ManualFlag.all where !flag.marks.contains("later") {
            let command = try #require(flag.node?.command, "\(flag)")
            let definition = try #require(FlagCatalog(of: command)[flag.name], "\(flag)")
            switch flag.kind {
            case .bool: #expect([.toggle, .implied("true")].contains(definition.value), "\(flag)")
            case .value: #expect(definition.value == .required, "\(flag)")
            case .optional:
                if case .implied = definition.value { continue }
                Issue.record("\(flag) needs a value")
            }
        }
    }

    @Test func `what is still to come is not there`() {
        for flag in ManualFlag.all where flag.marks.contains("later") {
            #expect(flag.node?.command == nil, "\(flag): take the mark off")
        }
    }

    @Test func `a value that is missing is told with the flag's name`() throws {
        for flag in ManualFlag.all where flag.kind == .value && !flag.marks.contains("later") {
            let recording = RecordingConsole()
            let isOfImage = FlagCatalog(of: try #require(flag.node?.command))[flag.name]?.scope != .command
            let words = flag.command + (isOfImage ? ["image"] : []) + ["--\(flag.name)"]
            #expect(Program(console: recording.console, isRoot: true).run(words) == 254, "\(flag)")
            #expect(recording.messages == "Error: flag needs an argument: --\(flag.name)\n", "\(flag)")
        }
    }

    @Test func `a switch that is neither on nor off is told with the flag's name`() throws {
        for flag in ManualFlag.all where flag.kind == .bool {
            let recording = RecordingConsole()
            let isOfImage = FlagCatalog(of: try #require(flag.node?.command))[flag.name]?.scope != .command
            let words = flag.command + (isOfImage ? ["image"] : []) + ["--\(flag.name)=maybe"]
            #expect(Program(console: recording.console, isRoot: true).run(words) == 254, "\(flag)")
            #expect(recording.messages.hasPrefix("Error: "), "\(flag)")
            #expect(recording.messages.contains("--\(flag.name)"), "\(flag): \(recording.messages)")
        }
    }

    @Test(
        arguments: [
            ("gc", "--grace-period=soon"), ("gc", "--expire-prepared=-1s"), ("status x", "--wait=soon"),
            ("status x", "--wait-ready=soon"), ("status x", "--format=xml"), ("list", "--format=xml"),
            ("image list", "--format=xml"), ("image list", "--fields=color"), ("image list", "--sort=color"),
            ("image list", "--order=up"), ("image gc", "--grace-period=soon"), ("fetch x", "--pull-policy=always"),
            ("trust", "--prefix=Not A Name"), ("rm", "--uuid-file=/nonexistent/file"),
            ("run-prepared", "--uuid-file=/nonexistent/file"), ("logs", "--uuid-file=/nonexistent/file"),
            ("stop", "--uuid-file=/nonexistent/file"), ("status", "--uuid-file=/nonexistent/file"),
            ("cat-manifest", "--uuid-file=/nonexistent/file"), ("version", "--insecure-options=everything"),
        ] as [(String, String)])
    func `other commands refuse wrong values with the flag's name`(command: String, flag: String) {
        let recording = RecordingConsole()
        let words = command.split(separator: " ").map(String.init) + [flag]
        #expect(Program(console: recording.console, isRoot: true).run(words) != 0)
        #expect(recording.messages.contains(String(flag.prefix { $0 != "=" })))
    }
}
