// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport
import Testing

/// What a guest can do to its supervisor when it wants to.
@Suite(.timeLimit(.minutes(5)))
struct HostileGuestTests {
    private func line(_ count: Int) -> GuestMessage { .entry(.line(of: "web", String(repeating: "A", count: count))) }

    @Test func creditComesBackWhateverTheCallerReads() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        var sent = 0
        for _ in 0..<4 {
            try pod.say(line(60_000))
            sent += line(60_000).frame.payload.count
        }
        var returned = 0
        while returned < sent {
            if case .outputCredit(channel: 0, let bytes) = try await pod.hear() { returned += Int(bytes) }
        }
        #expect(returned == sent)
        try pod.say(line(60_000))
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        while try await pod.hear() != .exitRecorded(app: "web") {}
        #expect(!pod.complaints.contains("protocol"))
        pod.machine.powerOff()
        #expect(try await pod.readOutput().count > 5 * 60_000)
        #expect(try await pod.thread.value().status == 0)
    }

    @Test(
        arguments: [
            (GuestMessage.appExit(app: "web", status: 3, cause: .exited), "over and over"),
            (.sessionOutput(session: 1, stream: .output, []), "without bytes"),
            (.inputCredit(session: 1, bytes: 100), "credit for bytes that were not sent"),
        ])
    func whatCostsNothingCannotBeRepeated(message: GuestMessage, complaint: String) async throws {
        let pod = try SupervisedPod { $0.interactiveApp = "web" }
        try pod.connectAgent()
        #expect(try pod.flood(message, most: 4 << 20) < 1 << 20)
        try await pod.awaitComplaint(complaint)
        _ = try await pod.end()
    }

    @Test func aGuestThatReadsNothingIsNotListenedTo() async throws {
        let pod = try SupervisedPod { $0.agentOutbox = 1024 }
        try pod.connectAgent()
        // Entries are answered with credit as soon as they have been read.
        let reader = SignalledThread {
            while !pod.thread.hasEnded {
                pod.output.skipAvailable()
                _ = try Poll.wait([(pod.output, .read)], timeout: 100)
            }
        }
        let taken = try pod.flood(line(1), most: 64 << 20)
        #expect(taken < 64 << 20)
        pod.thread.signal(SIGQUIT)
        #expect(try await pod.thread.value().status == 137)
        try await reader.value()
    }

    @Test func repeatedMarksAndReadinessAreRecordedOnce() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        for number in 0..<2000 {
            try pod.say(.ready)
            let letters = String(
                String(number).map { Character(UnicodeScalar(UInt8(97 + ($0.wholeNumberValue ?? 0)))) })
            try pod.say(.phase(name: letters, microseconds: 1))
        }
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        #expect(try await pod.end().status == 0)
        let ledger = try FileSystem.readText(pod.layout.directory.appending("start-up.json"))
        #expect(ledger.split(separator: "\"ready\"").count == 2)
        #expect(ledger.split(separator: "\"guest.").count == 33)
        #expect(ledger.contains("\"end\""))
    }

    @Test func complaintsOfTheGuestAreCounted() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        for _ in 0..<500 { try pod.say(.failed("again")) }
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        _ = try await pod.end()
        #expect(pod.complaints.split(separator: "\n").count { $0.contains("again") } < 40)
        #expect(pod.complaints.contains("more lines of the guest's agent were left out"))
    }

    @Test(arguments: [false, true]) func theBootPortMeansNothingOnceTheShimIsDone(agentHasSpoken: Bool) async throws {
        let pod = try SupervisedPod()
        try pod.boot()
        guard case .pod = try await pod.hear(on: pod.machine.bootPort) else {
            Issue.record("the shim was not answered")
            return
        }
        if agentHasSpoken {
            try pod.connectAgent()
        } else {
            try pod.say(.phase(name: "shim", microseconds: 1), on: pod.machine.bootPort)
        }
        if agentHasSpoken {
            try pod.say(.ready)
            try await eventually("readiness") { FileSystem.exists(pod.layout.directory.appending("start-up.json")) }
        }
        // An app has found the port.
        try pod.say(.failed("a lie"), on: pod.machine.bootPort)
        try pod.say(.ready, on: pod.machine.bootPort)
        if !agentHasSpoken { try pod.connectAgent() }
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        let end = try await pod.end()
        #expect(end.status == 0)
        #expect(end.outcome.failure == nil)
    }

    @Test func theShimSpeaksOnce() async throws {
        let pod = try SupervisedPod()
        try pod.boot()
        _ = try await pod.hear(on: pod.machine.bootPort)
        try pod.boot()
        let end = try await pod.thread.value()
        #expect(end.status == 254)
        #expect(pod.complaints.contains("a second HELLO"))
    }
}
