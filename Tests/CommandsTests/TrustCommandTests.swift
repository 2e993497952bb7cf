// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite(.requires("gpg"), .timeLimit(.minutes(5)))
struct TrustCommandTests {
    private let scratch: ScratchDirectory
    private let home: SigningHome

    init() throws {
        scratch = try ScratchDirectory()
        home = try SigningHome()
    }

    /// Runs `rkt trust` for somebody who gives these answers; nobody does when there are none.
    private func trust(_ words: [String], answers: [String] = []) -> (status: Int32, output: String, messages: String) {
        let recording = RecordingConsole()
        let left = Mutex(answers[...])
        let base = recording.console
        let console = Console(
            output: { try base.write($0) }, messages: { base.tell(String($0.dropLast())) },
            answer: { question in
                left.withLock { left in
                    if !left.isEmpty { base.tell(question) }
                    return left.popFirst()
                }
            })
        let status = Program(console: console, isRoot: false).run(
            ["trust", "--local-config=\(scratch.appending("etc"))"] + words)
        return (status, recording.output, recording.messages)
    }

    private func stored(_ path: String) -> FilePath {
        scratch.appending("etc").appending("trustedkeys").pushing(FilePath(path))
    }

    @Test func `a key is shown, asked for and stored`() throws {
        let key = try home.makeKey("Carly Container <carly@example.com>")
        let file = try home.export(key)
        let result = trust(["--prefix=example.com/hello", file.string], answers: ["maybe", "yes"])
        #expect(result.status == 0)
        let path = stored("prefix.d/example.com/hello/\(key)")
        #expect(result.output == "Added key for prefix \"example.com/hello\" at \"\(path)\"\n")
        #expect(FileSystem.exists(path))
        let lines = result.messages.split(separator: "\n").map(String.init)
        #expect(lines.count == 7)
        #expect(lines[0] == "Prefix: \"example.com/hello\"")
        #expect(lines[1] == "Key: \"\(file)\"")
        #expect(lines[2].hasPrefix("GPG key fingerprint is: "))
        #expect(lines[2].dropFirst(24).filter { $0 != " " }.lowercased() == key)
        #expect(lines[3] == "    Carly Container <carly@example.com>")
        #expect(lines[4] == "Are you sure you want to trust this key (yes/no)? ")
        #expect(lines[5] == "Please enter 'yes' or 'no': ")
        #expect(lines[6] == "Trusting \"\(file)\" for prefix \"example.com/hello\".")
    }

    @Test func `a key that is not wanted is not stored`() throws {
        let file = try home.export(home.makeKey("Carly <carly@example.com>"))
        let refused = trust(["--root", file.string], answers: ["no"])
        #expect(refused.status == 254)
        #expect(refused.messages.hasSuffix("Not trusting \"\(file)\" for prefix \"\".\n"))
        let unasked = trust(["--root", file.string])
        #expect(unasked.status == 254)
        #expect(unasked.messages.contains("trust: unable to ask user to review fingerprint due to lack of tty"))
        #expect(!FileSystem.exists(scratch.appending("etc")))
    }

    @Test func `several keys become several files, without those that are no good`() throws {
        let keys = [try home.makeKey("A <a@example.com>"), try home.makeKey("B <b@example.com>")]
        let old = try home.makeKey("Old <old@example.com>", expiry: "1y", time: "20200101T000000")
        let file = try home.export(keys[0], old, keys[1])
        let result = trust(["--root", "--skip-fingerprint-review", "file://\(file)"])
        #expect(result.status == 0)
        #expect(Set(try FileSystem.list(stored("root.d"))) == Set(keys))
        #expect(result.output.split(separator: "\n").allSatisfy { $0.hasPrefix("Added root key at \"") })
        #expect(result.messages.contains("Left out: key ") && result.messages.contains("has expired"))

        let useless = trust(["--root", "--skip-fingerprint-review", try home.export(old).string])
        #expect(useless.status == 254)
        #expect(useless.messages.contains("key \(old) has expired"))
    }

    @Test(
        arguments: [
            (["/x"], "--prefix or --root is needed"),
            (["--root", "--prefix=a", "/x"], "--prefix and --root cannot be used together"),
            (["--root"], "--root needs a file or URL"),
            (["--prefix=Example.com", "/x"], "--prefix: "),
            (["--prefix=a/", "/x"], "--prefix: "),
        ] as [([String], String)])
    func `a wrong command line shows help`(words: [String], reason: String) {
        let result = trust(words)
        #expect(result.status == 254)
        #expect(result.output.contains("USAGE:"))
        #expect(result.messages.contains(reason), "\(result.messages)")
    }

    @Test(
        arguments: [
            ("http://example.com/key", "--insecure-allow-http"), ("ftp://example.com/key", "\"ftp\""),
            ("/nonexistent/key", "/nonexistent/key"), ("file://host/key", "file:///"),
        ])
    func `what cannot be read is named`(location: String, reason: String) {
        let result = trust(["--root", location])
        #expect(result.status == 254)
        #expect(result.messages.hasPrefix("trust: "))
        #expect(result.messages.contains(reason), "\(result.messages)")
    }
}
