// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ConfigCommandTests {
    private let scratch: ScratchDirectory
    private let recording = RecordingConsole()

    init() throws {
        scratch = try ScratchDirectory()
        try write("local", "paths.d/p.json", #"{"rktKind":"paths","rktVersion":"v1","data":"\#(scratch.path)/data"}"#)
        try write(
            "system", "auth.d/a.json",
            """
            {"rktKind":"auth","rktVersion":"v1","domains":["b.org","a.org"],"type":"oauth",
             "credentials":{"token":"t"}}
            """)
    }

    private func write(_ place: String, _ file: String, _ text: String) throws {
        let path = scratch.path.pushing(FilePath("\(place)/\(file)"))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(text.utf8, to: path)
    }

    private func run(_ words: String...) -> Int32 {
        let flags = ["--system-config=\(scratch.path)/system", "--local-config=\(scratch.path)/local"]
        return recording.run(words + flags)
    }

    @Test func `what is configured is printed as files could say it`() {
        #expect(run("config", "--pretty-print=false") == 0)
        #expect(
            recording.output == #"{"stage0":["#
                + #"{"rktVersion":"v1","rktKind":"auth","domains":["a.org"],"type":"oauth","#
                + #""credentials":{"token":"t"}},"#
                + #"{"rktVersion":"v1","rktKind":"auth","domains":["b.org"],"type":"oauth","#
                + #""credentials":{"token":"t"}},"#
                + #"{"rktVersion":"v1","rktKind":"paths","data":"\#(scratch.path)/data"}]}"# + "\n")
    }

    @Test func `it is indented unless told otherwise`() {
        #expect(run("config", "--user-config=\(scratch.path)/none") == 0)
        #expect(recording.output.split(separator: "\n").count > 10)
    }

    @Test func `the configured data directory is used`() {
        #expect(run("image", "list") == 0)
        #expect(FileSystem.exists(scratch.appending("data").appending("cas")))
    }

    @Test func `the flag for the data directory counts more`() {
        #expect(run("image", "list", "--dir=\(scratch.path)/other") == 0)
        #expect(FileSystem.exists(scratch.appending("other").appending("cas")))
        #expect(!FileSystem.exists(scratch.appending("data")))
    }

    @Test func `a mistake is told with its place`() throws {
        try write("local", "paths.d/q.json", #"{"rktKind":"paths","rktVersion":"v7"}"#)
        for words in [["config"], ["list"]] {
            let recording = RecordingConsole()
            #expect(recording.run(words + ["--local-config=\(scratch.path)/local"]) == 254)
            #expect(recording.messages.contains("\(scratch.path)/local/paths.d/q.json\": rktVersion: \"v7\""))
            #expect(recording.output == "")
        }
    }
}
