// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import LinuxPlatform
import PodJournal
import Stage1
import SystemPackage
import TestSupport
import Testing

/// What becomes of the entries that a guest sends.
@Suite(.timeLimit(.minutes(5)))
struct JournalTests {
    private func kept(_ pod: SupervisedPod) throws -> [JournalEntry] {
        let reader = JournalReader(JournalDirectory(pod.layout.journal))
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private func finish(_ pod: SupervisedPod) async throws -> [UInt8] {
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        while try await pod.hear() != .exitRecorded(app: "web") {}
        pod.machine.powerOff()
        let output = try await pod.readOutput()
        #expect(try await pod.thread.value().status == 0)
        return output
    }

    @Test func anEntryIsKeptBeforeItIsAcknowledged() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        for number in 0..<50 {
            let entry = JournalEntry.line(of: "web", "line \(number)")
            try pod.say(.entry(entry))
            guard case .outputCredit = try await pod.hear() else { continue }
            #expect(try kept(pod).last == entry)
        }
        pod.thread.signal(SIGQUIT)
        _ = try await pod.thread.value()
        #expect(try kept(pod).compactMap { $0.text(of: "MESSAGE") } == (0..<50).map { "line \($0)" })
    }

    @Test func theCallerGetsLinesOfAppsOnly() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        try pod.say(.entry(.line(of: "web", "one")))
        try pod.say(.entry(.line(of: "other", "two")))
        let output = try await finish(pod)
        #expect(String(decoding: output, as: UTF8.self) == "[    1.500000] web[7]: one\n")
        #expect(try kept(pod).count == 2)
    }

    @Test func linesWaitInTheJournalForASlowReader() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        let texts = (0..<3000).map { "\($0) " + String(repeating: "x", count: 1000) }
        var sent = 0, returned = 0
        for text in texts {
            let message = GuestMessage.entry(.line(of: "web", text))
            try pod.say(message)
            sent += message.frame.payload.count
            while sent - returned > 100_000 {
                if case .outputCredit(channel: 0, let bytes) = try await pod.hear() { returned += Int(bytes) }
            }
        }
        let lines = String(decoding: try await finish(pod), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == texts.count)
        #expect(zip(lines, texts).first { $0.hasSuffix("]: \($1)") == false } == nil)
        #expect(pod.complaints == "")
    }

    @Test func aFloodTakesBoundedRoomOnTheHost() async throws {
        let pod = try SupervisedPod { $0.journal.fileLimit = 100_000 }
        try pod.connectAgent()
        for number in 0..<2000 {
            try pod.say(.entry(.line(of: "other", "\(number) " + String(repeating: "x", count: 1000))))
        }
        _ = try await finish(pod)
        let directory = JournalDirectory(pod.layout.journal)
        let sizes = try directory.numbers().map { try FileSystem.status(directory.entries($0)).size }
        #expect(sizes.count == 2)
        #expect(sizes.allSatisfy { $0 <= 100_000 })
        #expect(try kept(pod).last?.text(of: "MESSAGE")?.hasPrefix("1999 ") == true)
    }

    @Test func aConverterThatDoesNotReadHoldsTheGuestUp() async throws {
        let scratch = try ScratchDirectory()
        let program = scratch.appending("converter")
        try FileSystem.write("#!/bin/sh\nexec sleep 1000\n".utf8, to: program, mode: 0o755)
        let pod = try SupervisedPod { $0.journal.converter = program }
        try pod.connectAgent()
        let entry = GuestMessage.entry(.line(of: "other", String(repeating: "x", count: 60_000)))
        #expect(try pod.flood(entry, most: 16 << 20) < 4 << 20)
        try await pod.awaitComplaint("more bytes than there is credit for")
        pod.thread.signal(SIGQUIT)
        _ = try await pod.thread.value()
        #expect(pod.complaints.contains("journalctl does not show all of the pod"))
        #expect(try kept(pod).count > 20)
    }

    @Test func filesForJournalctlTakeBoundedRoomToo() async throws {
        let scratch = try ScratchDirectory()
        let program = scratch.appending("converter")
        // What many small fields do to a file of journald.
        let script = """
            #!/bin/sh
            for word; do case $word in --output=*) truncate -s 100M "${word#--output=}" ;; esac; done
            exec cat >/dev/null

            """
        try FileSystem.write(script.utf8, to: program, mode: 0o755)
        let pod = try SupervisedPod { $0.journal.converter = program }
        try pod.connectAgent()
        let entry = GuestMessage.entry(.line(of: "other", String(repeating: "x", count: 60_000)))
        let directory = JournalDirectory(pod.layout.journal)
        while try !directory.numbers().starts(with: [3, 4]) {
            try pod.say(entry)
            _ = try await pod.hear()
        }
        _ = try await finish(pod)
        let names = try FileSystem.list(directory.path).filter { $0.hasSuffix(".journal") }
        #expect(names.count <= 2)
        #expect(pod.complaints == "")
    }

    @Test func aConverterThatFailsIsToldOnceAndNothingIsLost() async throws {
        let pod = try SupervisedPod { $0.journal.converter = "/bin/false" }
        try pod.connectAgent()
        for number in 0..<200 { try pod.say(.entry(.line(of: "web", "\(number)"))) }
        let lines = try await finish(pod).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 200)
        #expect(try kept(pod).count == 200)
        #expect(pod.complaints.split(separator: "\n").count == 1)
        #expect(pod.complaints.contains("journalctl does not show all of the pod"))
    }

    @Test(.requiresJournalRemote) func journalctlShowsTheSameEntries() async throws {
        let pod = try SupervisedPod {
            $0.journal.converter = "/lib/systemd/systemd-journal-remote"
            $0.journal.fileLimit = 100_000
        }
        try pod.connectAgent()
        // The last two files hold some of these.
        let texts = ["two\nlines", "tab\there", "a\u{1b}[31mb", "grüße"] + (0..<300).map { "line \($0)" }
        for (index, text) in texts.reversed().enumerated() {
            try pod.say(.entry(.line(of: "web", text, at: 1_767_366_245_000_000 + UInt64(index))))
        }
        _ = try await finish(pod)
        let expected = try kept(pod)
        #expect(expected.count > 100)
        let exported = String(
            decoding: try Program.output(
                "journalctl", "-D", pod.layout.journal.string, "-o", "export", "--no-pager"), as: UTF8.self)
        let head = "_MACHINE_ID=\(SupervisedPod.machineID)\n"
        #expect(exported.split(separator: head).count == expected.count + 1)
        let times = exported.split(separator: "\n").filter { $0.hasPrefix("__REALTIME_TIMESTAMP=") }
        #expect(times.compactMap { UInt64($0.drop { $0 != "=" }.dropFirst()) } == expected.map(\.realtime))
        let messages = try Program.output("journalctl", "-D", pod.layout.journal.string, "-o", "cat", "--no-pager")
        #expect(
            String(decoding: messages, as: UTF8.self)
                == expected.map { ($0.text(of: "MESSAGE") ?? "") + "\n" }.joined())
        #expect(pod.complaints == "")
    }
}
