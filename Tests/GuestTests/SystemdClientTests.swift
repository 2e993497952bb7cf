// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Dispatch
import Glibc
import Guest
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// The client against a manager that is the test.
@Suite(.timeLimit(.minutes(5)))
struct SystemdClientTests {
    /// A manager that answers one connection with these bytes: after the authentication, and after each call.
    private final class Manager: @unchecked Sendable {
        let path: FilePath
        private let scratch: ScratchDirectory
        private let end = End()

        /// What came of it, on a thread of its own: the client under test blocks one of the few that tests have.
        private final class End: @unchecked Sendable {
            let queue = DispatchQueue(label: "manager")
            var result: Result<[UInt8], any Error>?
        }

        init(greeting: String = "OK 0123\r\n", answers: [[UInt8]]) throws {
            let scratch = try ScratchDirectory()
            let path = scratch.appending("private")
            let listener = try UnixSocket.listen(path)
            (self.scratch, self.path) = (scratch, path)
            end.queue.async { [end] in
                end.result = Result { try Self.serve(listener, greeting, answers) }
            }
        }

        private static func serve(
            _ listener: FileDescriptor, _ greeting: String, _ answers: [[UInt8]]
        ) throws -> [UInt8] {
            defer { try? listener.close() }
            let (socket, _) = try #require(try UnixSocket.accept(listener))
            defer { try? socket.close() }
            var heard = try read(socket) { $0.suffix(7) == Array("BEGIN\r\n".utf8) }
            try FileSystem.writeAll(Array(greeting.utf8), to: socket)
            for answer in answers {
                heard += try read(socket) { $0.count >= 16 }
                try FileSystem.writeAll(answer, to: socket)
            }
            // Until the client leaves.
            return heard + (try read(socket) { _ in false })
        }

        private static func read(_ socket: FileDescriptor, until isEnough: ([UInt8]) -> Bool) throws -> [UInt8] {
            var all: [UInt8] = []
            while !isEnough(all) {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = buffer.withUnsafeMutableBytes { Glibc.read(socket.rawValue, $0.baseAddress, $0.count) }
                guard count > 0 else { break }
                all += buffer[..<count]
            }
            return all
        }

        /// What the client has said.
        func heard() async throws -> String {
            let result = await withCheckedContinuation { continuation in
                end.queue.async { [end] in continuation.resume(returning: end.result) }
            }
            return String(decoding: try #require(result).get(), as: UTF8.self)
        }
    }

    private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
    }

    private static func text(_ text: String) -> [UInt8] { number(text.utf8.count) + Array(text.utf8) + [0] }

    /// A message of the manager's: 2 is an answer, 3 an error, 4 a signal.
    private static func message(_ kind: UInt8, to serial: Int?, error: String? = nil, text: String? = nil) -> [UInt8] {
        var fields: [UInt8] = []
        if let serial { fields = padded(fields) + [5, 1, 117, 0] + number(serial) }
        if let error { fields = padded(fields) + [4, 1, 115, 0] + Self.text(error) }
        if text != nil { fields = padded(fields) + [8, 1, 103, 0, 1, 115, 0] }
        let body = text.map { Self.text($0) } ?? []
        let head = [108, kind, 1, 1] + number(body.count) + number(9) + number(fields.count) + fields
        return padded(head) + body
    }

    @Test func aUnitIsStartedAndSignalsAreSkipped() async throws {
        let manager = try Manager(answers: [
            Self.message(4, to: nil, text: "UnitNew") + Self.message(4, to: nil)
                + Self.message(2, to: 1, text: "/job/1"),
            Self.message(2, to: 2),
        ])
        var systemd = try SystemdClient(manager.path)
        try systemd.start("web.service")
        try systemd.reload()
        systemd.close()
        let heard = try await manager.heard()
        #expect(heard.hasPrefix("\0AUTH EXTERNAL "))
        #expect(heard.contains("StartUnit") && heard.contains("web.service") && heard.contains("replace"))
        #expect(heard.contains("Reload"))
    }

    @Test func whatTheManagerRefusesIsTold() async throws {
        let name = "org.freedesktop.systemd1.NoSuchUnit"
        let manager = try Manager(answers: [Self.message(3, to: 1, error: name, text: "Unit web.service not loaded.")])
        var systemd = try SystemdClient(manager.path)
        defer { systemd.close() }
        let failure = #expect(throws: SystemdClient.Failure.self) { try systemd.stop("web.service") }
        #expect(failure?.isMissingUnit == true)
        #expect(failure?.description == "Unit web.service not loaded.")
    }

    @Test(arguments: [
        // Not the protocol, more than a message may have, fields without an end, and nothing at all.
        [UInt8](repeating: 65, count: 64), [108, 2, 1, 1] + number(1 << 20) + number(1) + number(0),
        [108, 2, 1, 1] + number(0) + number(1) + number(12) + [5, 1, 117, 0, 1, 0, 0, 0, 5, 200, 1, 1, 0, 0, 0, 0],
        [108, 2, 1, 1] + number(0) + number(1) + number(8) + [5, 1, 200, 0, 1, 0, 0, 0],
    ]) func otherAnswersAreRefused(answer: [UInt8]) throws {
        let manager = try Manager(answers: [answer])
        var systemd = try SystemdClient(manager.path)
        defer { systemd.close() }
        // At once: what only comes too late is another error.
        let failure = #expect(throws: RuntimeError.self) { try systemd.reload() }
        #expect(failure?.code == .internal)
    }

    @Test func aManagerThatRefusesOrIsSilentIsNotWaitedFor() throws {
        let refusing = try Manager(greeting: "REJECTED\r\n", answers: [])
        let refusal = #expect(throws: RuntimeError.self) { try SystemdClient(refusing.path) }
        #expect(refusal?.code == .internal)
        let silent = try Manager(greeting: "", answers: [])
        let failure = #expect(throws: RuntimeError.self) { try SystemdClient(silent.path, milliseconds: 50) }
        #expect(failure?.code == .timeout)
    }
}
