// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import LinuxPlatform
import PodJournal
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

struct LogsTests {
    private let scratch: ScratchDirectory
    private let runtime: PodRuntime

    init() throws {
        scratch = try ScratchDirectory()
        runtime = PodRuntime(Settings(dataDirectory: scratch.path))
    }

    private static let manifest = """
        {"acVersion":"0.8.11","acKind":"PodManifest","apps":[\
        {"name":"web","image":{"id":"sha512-\(String(repeating: "0", count: 64))"}},\
        {"name":"log","image":{"id":"sha512-\(String(repeating: "1", count: 64))"}}]}
        """

    private func entry(_ app: String, _ text: String, at seconds: UInt64) -> JournalEntry {
        JournalEntry(
            realtime: seconds * 1_000_000, monotonic: 1, boot: Array(0..<16),
            fields: ["_SYSTEMD_UNIT=\(app).service", "MESSAGE=\(text)"].map { Array($0.utf8) })
    }

    private func texts(_ uuid: PodUUID, _ change: (inout LogRequest) -> Void = { _ in }) throws -> [String] {
        var request = LogRequest()
        change(&request)
        var texts: [String] = []
        try runtime.readLogs(of: uuid.description, request) { texts.append($0.text(of: "MESSAGE") ?? "") }
        return texts
    }

    private func prepare() throws -> PodHandle {
        let pod = try runtime.pods.create()
        try FileSystem.write(Self.manifest.utf8, to: pod.layout.manifest)
        return pod
    }

    @Test func entriesAreChosenByAppAndTime() throws {
        let pod = try prepare().run()
        let uuid = pod.uuid
        let writer = try JournalWriter(JournalDirectory(pod.layout.journal), machineID: uuid.withoutDashes)
        for (index, app) in ["web", "log", "web", "init"].enumerated() {
            _ = try writer.append(entry(app, "\(app) \(index)", at: UInt64(100 + index)))
        }
        pod.release()
        #expect(try texts(uuid) == ["web 0", "log 1", "web 2", "init 3"])
        #expect(try texts(uuid) { $0.app = "web" } == ["web 0", "web 2"])
        #expect(try texts(uuid) { $0.since = 102_000_000 } == ["web 2", "init 3"])
        let error = #expect(throws: RuntimeError.self) { try texts(uuid) { $0.app = "init" } }
        #expect(error?.message.hasSuffix("has no app \"init\"; it has \"web\", \"log\"") == true)
        #expect(throws: RuntimeError.self) {
            try runtime.readLogs(of: "ffffffff", LogRequest()) { _ in }
        }
    }

    @Test func aPodThatHasNotRunHasNoEntries() throws {
        let pod = try prepare()
        let uuid = pod.uuid
        try pod.finishPreparing()
        #expect(try texts(uuid) == [])
        #expect(try texts(uuid) { $0.app = "web" } == [])
    }

    @Test func followingEndsWithThePodAndMissesNothing() throws {
        let handle = try prepare().run()
        let uuid = handle.uuid
        let writer = try JournalWriter(JournalDirectory(handle.layout.journal), machineID: uuid.withoutDashes)
        _ = try writer.append(entry("web", "0", at: 1))
        var pod: PodHandle? = consume handle
        var seen: [String] = []
        var request = LogRequest()
        request.follows = true
        try runtime.readLogs(of: uuid.description, request) { entry in
            seen.append(entry.text(of: "MESSAGE") ?? "")
            guard seen.count < 20 else {
                pod.take()?.release()
                return
            }
            _ = try writer.append(self.entry("web", "\(seen.count)", at: 1))
        }
        #expect(seen == (0..<20).map(String.init))
    }

    @Test func entriesCanBeReadUntilThePodIsRemoved() throws {
        let pod = try prepare().run()
        let uuid = pod.uuid
        let writer = try JournalWriter(JournalDirectory(pod.layout.journal), machineID: uuid.withoutDashes)
        _ = try writer.append(entry("web", "last", at: 1))
        pod.release()
        var policy = GarbagePolicy()
        policy.markOnly = true
        try runtime.collectGarbage(policy) { _ in }
        #expect(runtime.pods.pod(uuid)?.state == .exitedGarbage)
        #expect(try texts(uuid) == ["last"])
    }
}
