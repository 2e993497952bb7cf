// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import Diagnostics
import GRPCCore
import GuestProtocol
import LinuxPlatform
import PodJournal
import PodStore
import RktAPI
import TestSupport
import Testing

struct LogReaderTests {
    private let fixture: DataFixture

    init() throws { fixture = try DataFixture() }

    private func entry(_ app: String, _ text: String, at seconds: UInt64 = 100) -> JournalEntry {
        JournalEntry(
            realtime: seconds * 1_000_000, monotonic: 1, boot: Array(0..<16),
            fields: ["_SYSTEMD_UNIT=\(app).service", "MESSAGE=\(text)"].map { Array($0.utf8) })
    }

    private func writer(_ pod: PodLayout, _ uuid: PodUUID) throws -> JournalWriter {
        try JournalWriter(JournalDirectory(pod.journal), machineID: uuid.withoutDashes)
    }

    /// A pod that has ended, with these entries.
    private func pod(_ entries: [JournalEntry]) throws -> Pod {
        let handle = try fixture.prepare(DataFixture.manifest("web", "log"))
        let uuid = handle.uuid
        let writer = try writer(handle.layout, uuid)
        for entry in entries { _ = try writer.append(entry) }
        try handle.run().release()
        return try fixture.pod(uuid, in: .exited)
    }

    private func selection(_ change: (inout V1alpha_GetLogsRequest) -> Void = { _ in }) throws -> LogSelection {
        var request = V1alpha_GetLogsRequest()
        request.podID = "x"
        change(&request)
        return try LogSelection(request)
    }

    /// All responses until the reader says that there is nothing more, now or ever.
    private func responses(_ reader: LogReader) throws -> [[String]] {
        var result: [[String]] = []
        while case .lines(let lines) = try reader.next() {
            if !lines.isEmpty { result.append(lines) }
        }
        return result
    }

    private func lines(_ pod: Pod, _ change: (inout V1alpha_GetLogsRequest) -> Void = { _ in }) throws -> [String] {
        try responses(LogReader(fixture.runtime, pod, selection(change))).flatMap(\.self)
    }

    @Test func linesOfAppsAreReadInTheirOrder() throws {
        let pod = try pod([
            entry("web", "one\ntwo"), entry("init", "of no app"), entry("log", "three", at: 200),
            entry("web", "four", at: 300),
        ])
        #expect(try lines(pod) == ["one", "two", "three", "four"])
        #expect(try lines(pod) { $0.appName = "web" } == ["one", "two", "four"])
        #expect(try lines(pod) { $0.sinceTime = 200 } == ["three", "four"])
        #expect(try lines(pod) { $0.untilTime = 200 } == ["one", "two", "three"])
        #expect(try lines(pod) { $0.lines = 2 } == ["three", "four"])
        #expect(try lines(pod) { $0.lines = 100 } == ["one", "two", "three", "four"])
        let error = #expect(throws: Diagnostics.RuntimeError.self) { try lines(pod) { $0.appName = "mail" } }
        #expect(error?.code == .notFound)
    }

    @Test func whatIsNotUTF8IsReplaced() throws {
        var entry = entry("web", "")
        entry.fields[1] = Array("MESSAGE=a".utf8) + [0xff] + Array("b".utf8)
        #expect(try lines(pod([entry])) == ["a\u{fffd}b"])
    }

    @Test func responsesAreBounded() throws {
        let many = try pod((0..<600).map { entry("web", "line \($0)") })
        let batches = try responses(LogReader(fixture.runtime, many, selection()))
        #expect(batches.flatMap(\.self) == (0..<600).map { "line \($0)" })
        #expect(batches.allSatisfy { $0.count <= LogBatch.mostLines })
        var batch = LogBatch()
        let long = String(repeating: "x", count: LogBatch.limit)
        batch.append(["a", long, "b", String(repeating: "y", count: LogBatch.limit - 1), "c"])
        #expect(batch.take() == ["a"])
        #expect(batch.take() == [long])
        #expect(batch.take().count == 2)
        #expect(batch.take() == ["c"])
        #expect(batch.isEmpty)
    }

    @Test func theLastLinesKeepToTheirBounds() {
        var last = LastLines(count: 3)
        for number in 0..<5000 { last.append("\(number)") }
        #expect(last.all == ["4997", "4998", "4999"])
        var bytes = LastLines(count: 100, byteLimit: 10)
        for _ in 0..<10 { bytes.append("1234") }
        #expect(bytes.all == ["1234", "1234"])
    }

    @Test func aRunningPodIsFollowedToItsEnd() throws {
        let handle = try fixture.prepare(DataFixture.manifest("web"))
        let uuid = handle.uuid
        let running = try handle.run()
        let writer = try writer(running.layout, uuid)
        _ = try writer.append(entry("web", "first"))
        let pod = try fixture.pod(uuid, in: .running)
        let reader = try LogReader(
            fixture.runtime, pod,
            selection {
                $0.follow = true
                $0.lines = 5
            })
        #expect(try responses(reader) == [["first"]])
        #expect(try reader.next() == .waiting)
        _ = try writer.append(entry("web", "second"))
        #expect(try reader.next() == .lines(["second"]))
        running.release()
        _ = try fixture.pod(uuid, in: .exited)
        #expect(try reader.next() == .ended)
        // Who does not follow is done at once.
        #expect(try LogReader(fixture.runtime, pod, LogSelection()).next() == .lines(["first", "second"]))
    }

    @Test func anAppThatComesWhileAPodIsFollowedIsRead() throws {
        let running = try fixture.prepare(DataFixture.manifest("web")).run()
        let layout = running.layout
        try FileSystem.makeDirectory(layout.live)
        let pod = try fixture.pod(running.uuid, in: .running)
        let reader = try LogReader(fixture.runtime, pod, selection { $0.follow = true })
        #expect(try reader.next() == .waiting)
        try FileSystem.writeAtomically(DataFixture.manifest("db").utf8, to: layout.manifest)
        let writer = try writer(layout, running.uuid)
        _ = try writer.append(entry("db", "came"))
        _ = try writer.append(entry("web", "went"))
        #expect(try reader.next() == .lines(["came", "went"]))
        running.release()
    }

    @Test func followingEndsAfterTheTimeThatIsAskedFor() throws {
        let running = try fixture.prepare(DataFixture.manifest("web")).run()
        let pod = try fixture.pod(running.uuid, in: .running)
        let reader = try LogReader(
            fixture.runtime, pod,
            selection {
                $0.follow = true
                $0.untilTime = 5
            })
        #expect(try reader.next() == .ended)
        running.release()
    }

    @Test func whatCannotBeIsRefused() throws {
        let flaws: [(RPCError.Code, (inout V1alpha_GetLogsRequest) -> Void)] = [
            (.invalidArgument, { $0.podID = "" }), (.invalidArgument, { $0.lines = -1 }),
            (.invalidArgument, { $0.sinceTime = -1 }), (.resourceExhausted, { $0.lines = 100_001 }),
            (
                .invalidArgument,
                {
                    $0.sinceTime = 3
                    $0.untilTime = 2
                }
            ),
        ]
        for (code, flaw) in flaws {
            let error = #expect(throws: RPCError.self) { try selection(flaw) }
            #expect(error?.code == code)
        }
    }
}
