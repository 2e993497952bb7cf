// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Tells the metadata service of this host about pods: HTTP/1.1 over a UNIX socket, one request for each connection.
package struct RegistrationClient: Sendable {
    /// Where the service takes registrations.
    package static let standardSocket: FilePath = "/run/rkt/metadata-svc.sock"

    private let socket: FilePath
    /// How often a request is tried that got no answer.
    private var attempts: Int
    /// Milliseconds between attempts.
    private let pause: Int
    /// Milliseconds for an attempt.
    private let patience: Int

    /// - Parameters:
    ///   - attempts: how often a request is tried that gets no answer.
    ///   - pause: milliseconds between attempts.
    ///   - patience: milliseconds for an attempt.
    package init(
        socket: FilePath = RegistrationClient.standardSocket, attempts: Int = 3, pause: Int = 1000,
        patience: Int = 5000
    ) {
        self.socket = socket
        self.attempts = attempts
        self.pause = pause
        self.patience = patience
    }

    /// Tries once from now on, if the error is that of a service that does not answer: what waits for each of many pods
    /// is to be short.
    package mutating func hurry(after error: any Error) {
        if (error as? RuntimeError)?.code == .timeout { attempts = 1 }
    }

    /// - Throws: when there is no service, with the remedy.
    package func checkPresence() throws {
        guard (try? FileSystem.status(socket))?.type == .socket else {
            throw RuntimeError(
                .notFound,
                "--mds-register needs the metadata service, and there is no socket \(socket); start it: systemctl start "
                    + "rkt-metadata.socket, or rkt metadata-service")
        }
    }

    /// Makes a pod known.
    ///
    /// - Parameters:
    ///   - token: 32 lower-case hexadecimal digits.
    ///   - addresses: those that the pod's requests come from.
    /// - Returns: the port that the service listens on.
    package func register(
        _ uuid: PodUUID, token: String, addresses: [IPAddress], manifest: [UInt8]
    ) throws -> Int {
        let query = (["token=\(token)"] + addresses.map { "address=\($0)" }).joined(separator: "&")
        let answer = try request("PUT", "/pods/\(uuid)?\(query)", manifest)
        try answer.check("pod \"\(uuid)\"")
        guard let port = (try? JSONValue(parsing: answer.body))?["port"]?.int, (1...65535).contains(port) else {
            throw RuntimeError(.internal, "the metadata service at \(socket) does not tell its port")
        }
        return port
    }

    /// Makes the image of an app of a pod known.
    package func register(_ uuid: PodUUID, app: ACName, image manifest: [UInt8]) throws {
        try request("PUT", "/pods/\(uuid)/\(app)", manifest).check("app \"\(app)\" of pod \"\(uuid)\"")
    }

    /// Takes a pod back, which may be unknown already.
    ///
    /// - Returns: false when no service listens.
    /// - Throws: code `timeout` when it does not answer.
    package func unregister(_ uuid: PodUUID) throws -> Bool {
        do {
            let answer = try request("DELETE", "/pods/\(uuid)", nil)
            if answer.status != 404 { try answer.check("pod \"\(uuid)\"") }
            return true
        } catch let error as RuntimeError where error.cause is NobodyListens {
            return false
        }
    }

    // MARK: - HTTP

    /// There is no socket, or none that anybody has open.
    private struct NobodyListens: Error, CustomStringConvertible {
        let cause: any Error
        var description: String { "\(cause)" }
    }

    /// The service has said nothing, or nothing that is HTTP.
    private struct NoAnswer: Error, CustomStringConvertible {
        let description: String
    }

    /// An answer of at most 64 KiB.
    private struct Answer {
        static let limit = 64 << 10
        let status: Int
        let body: [UInt8]

        init?(_ bytes: [UInt8]) {
            let line = String(decoding: bytes.prefix { $0 != 13 }, as: UTF8.self)
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
                let status = Int(words[1]), let end = Answer.endOfHead(bytes)
            else { return nil }
            self.status = status
            body = Array(bytes[end...])
        }

        private static func endOfHead(_ bytes: [UInt8]) -> Int? {
            let mark: [UInt8] = [13, 10, 13, 10]
            guard bytes.count >= mark.count else { return nil }
            return (mark.count...bytes.count).first { bytes[($0 - mark.count)..<$0].elementsEqual(mark) }
        }

        func check(_ subject: String) throws {
            guard status != 200 else { return }
            let reason = PrintableText.line(Array(body.prefix(512).prefix { $0 != 10 && $0 != 13 }))
            throw RuntimeError(
                status == 404 ? .notFound : .invalidState,
                "the metadata service does not take \(subject): \(reason) (status \(status))")
        }
    }

    private func request(_ method: String, _ target: String, _ body: [UInt8]?) throws -> Answer {
        var left = attempts
        while true {
            left -= 1
            do {
                return try exchange(method, target, body)
            } catch {
                guard left > 0, !(method == "DELETE" && error is NobodyListens) else {
                    let isLate = (error as? RuntimeError)?.code == .timeout
                    throw RuntimeError(
                        isLate ? .timeout : .internal, "cannot talk to the metadata service at \(socket)", cause: error)
                }
            }
            usleep(UInt32(pause) * 1000)
        }
    }

    private func exchange(_ method: String, _ target: String, _ body: [UInt8]?) throws -> Answer {
        let deadline = Clock.milliseconds + patience
        let connection: FileDescriptor
        do {
            connection = try UnixSocket.connect(socket, within: patience)
        } catch let error as RuntimeError where error.code == .busy {
            // It hangs, and as many wait for it as can.
            throw late
        } catch let error as RuntimeError where error.code == .permissionDenied {
            throw error
        } catch {
            throw NobodyListens(cause: error)
        }
        defer { try? connection.close() }
        try UnixSocket.setNonBlocking(connection)
        var head = "\(method) \(target) HTTP/1.1\r\nHost: metadata\r\nConnection: close\r\n"
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        // An answer may come before all is sent, when it is a refusal.
        try? send(Array((head + "\r\n").utf8) + (body ?? []), connection, deadline)
        let bytes = try receive(connection, deadline)
        guard let answer = Answer(bytes) else {
            throw NoAnswer(description: bytes.isEmpty ? "it has closed the connection" : "its answer is not HTTP")
        }
        return answer
    }

    private func send(_ bytes: [UInt8], _ connection: FileDescriptor, _ deadline: Int) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(connection, .write, deadline)
            // SAFETY: the pointer is used only while the slice is borrowed; MSG_NOSIGNAL keeps SIGPIPE away.
            let count = rest.withUnsafeBytes {
                Glibc.send(connection.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count >= 0 else {
                let errno = lastErrno
                if errno == .wouldBlock || errno == .interrupted { continue }
                throw RuntimeError.systemCall("send", nil, errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    private func receive(_ connection: FileDescriptor, _ deadline: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            try wait(connection, .read, deadline)
            let count = recv(connection.rawValue, &buffer, buffer.count, 0)
            guard count >= 0 else {
                let errno = lastErrno
                if errno == .wouldBlock || errno == .interrupted { continue }
                // A refusal may be followed by a reset, as the rest of the request was not read.
                if Answer(bytes) != nil { return bytes }
                throw RuntimeError.systemCall("recv", nil, errno)
            }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= Answer.limit else { throw NoAnswer(description: "its answer is too long") }
        }
    }

    private func wait(_ connection: FileDescriptor, _ interest: Poll.Interest, _ deadline: Int) throws {
        while try Poll.wait([(connection, interest)], timeout: deadline - Clock.milliseconds).isEmpty {
            guard Clock.milliseconds < deadline else { throw late }
        }
    }

    private var late: RuntimeError { RuntimeError(.timeout, "it does not answer within \(patience) ms") }
}
