// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The manager's own socket (`/run/systemd/private`): D-Bus without a bus, and of it four calls without results.
///
/// One call at a time, with one deadline for all of them. What the manager tells unasked is skipped.
package struct SystemdClient {
    /// What the manager answers to a call that fails.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        /// The error's name, such as `org.freedesktop.systemd1.NoSuchUnit`.
        package let name: String
        package let message: String

        /// Whether there is no such unit, or it is not loaded.
        package var isMissingUnit: Bool { name == "org.freedesktop.systemd1.NoSuchUnit" }

        package var description: String { message.isEmpty ? name : message }
    }

    private enum Limit {
        /// Bytes of one message.
        static let message = 64 << 10
        /// Bytes of the answer to the authentication.
        static let line = 512
        /// The protocol's own, of what stands before the body.
        static let fixedHeader = 16
    }

    private let socket: FileDescriptor
    private let deadline: Int
    private var buffer: [UInt8] = []
    private var serial: UInt32 = 0

    /// - Parameter milliseconds: for all that is asked.
    package init(_ path: FilePath = GuestLayout.systemdSocket, milliseconds: Int = 10_000) throws {
        deadline = Clock.milliseconds + milliseconds
        socket = try UnixSocket.connect(path)
        do {
            try UnixSocket.setNonBlocking(socket)
            try authenticate()
        } catch {
            try? socket.close()
            throw error
        }
    }

    package func close() { try? socket.close() }

    /// Starts a unit; returns when that has been begun.
    package mutating func start(_ unit: String) throws { try call("StartUnit", [unit, "replace"]) }

    /// Stops a unit; returns when that has been begun.
    package mutating func stop(_ unit: String) throws { try call("StopUnit", [unit, "replace"]) }

    /// Lets the manager forget that a unit has failed.
    package mutating func resetFailed(_ unit: String) throws { try call("ResetFailedUnit", [unit]) }

    /// Lets the manager read all unit files again; returns when it has.
    package mutating func reload() throws { try call("Reload", []) }

    // MARK: - The conversation

    /// The manager takes what comes together with the last line of this for a message only when more comes after it: so
    /// nothing is sent until its answer is there.
    private mutating func authenticate() throws {
        let user = String(geteuid()).utf8.map { String($0, radix: 16) }.joined()
        try write([0] + Array("AUTH EXTERNAL \(user)\r\nBEGIN\r\n".utf8))
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeFirst(end + 1)
                guard line.hasPrefix("OK ") else { throw failure("refuses the connection") }
                return
            }
            guard buffer.count < Limit.line else { throw failure("does not speak the protocol") }
            try read()
        }
    }

    private mutating func call(_ method: String, _ arguments: [String]) throws {
        serial += 1
        try write(DBusCall(serial: serial, method: method, arguments: arguments).encoded)
        while true {
            guard let answer = try nextMessage(), answer.replySerial == serial else { continue }
            switch answer.kind {
            case DBusAnswer.returned: return
            case DBusAnswer.failed: throw Failure(name: answer.errorName, message: answer.text)
            default: continue
            }
        }
    }

    /// The next complete message, or nil when more had to be waited for.
    private mutating func nextMessage() throws -> DBusAnswer? {
        guard buffer.count >= Limit.fixedHeader else {
            try read()
            return nil
        }
        guard let length = DBusAnswer.length(of: buffer), length <= Limit.message else {
            throw failure("does not speak the protocol")
        }
        guard buffer.count >= length else {
            try read()
            return nil
        }
        let message = Array(buffer[..<length])
        buffer.removeFirst(length)
        guard let answer = DBusAnswer(message) else { throw failure("does not speak the protocol") }
        return answer
    }

    private mutating func read() throws {
        try wait(.read)
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = bytes.withUnsafeMutableBytes { Glibc.read(socket.rawValue, $0.baseAddress, $0.count) }
        if count < 0, lastErrno == .wouldBlock || lastErrno == .interrupted { return }
        guard count > 0 else { throw failure("has closed the connection") }
        buffer += bytes[..<count]
    }

    private func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the array outlives the call and its size is passed.
            let count = rest.withUnsafeBytes { send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if lastErrno == .wouldBlock || lastErrno == .interrupted {
                try wait(.write)
            } else {
                throw failure("has closed the connection")
            }
        }
    }

    private func wait(_ interest: Poll.Interest) throws {
        let rest = deadline - Clock.milliseconds
        guard rest > 0 else { throw RuntimeError(.timeout, "the guest's service manager does not answer") }
        _ = try Poll.wait([(socket, interest)], timeout: rest)
    }

    private func failure(_ what: String) -> RuntimeError {
        RuntimeError(.internal, "the guest's service manager \(what)")
    }
}

/// A call of the manager, as the D-Bus specification lays it out ("Message Protocol").
struct DBusCall {
    let serial: UInt32
    let method: String
    /// Strings all of them.
    let arguments: [String]

    var encoded: [UInt8] {
        var body = DBusWriter()
        for argument in arguments { body.write(argument) }
        var fields = DBusWriter()
        fields.write(field: 1, "o", "/org/freedesktop/systemd1")
        fields.write(field: 2, "s", "org.freedesktop.systemd1.Manager")
        fields.write(field: 3, "s", method)
        if !arguments.isEmpty { fields.write(signature: String(repeating: "s", count: arguments.count)) }
        var message = DBusWriter()
        message.bytes = [UInt8(ascii: "l"), 1, 0, 1]
        message.write(UInt32(body.bytes.count))
        message.write(serial)
        message.write(UInt32(fields.bytes.count))
        message.bytes += fields.bytes
        message.align(8)
        return message.bytes + body.bytes
    }
}

/// Little-endian, each value at a multiple of its size.
private struct DBusWriter {
    var bytes: [UInt8] = []

    mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }

    mutating func write(_ value: UInt32) {
        align(4)
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func write(_ text: String) {
        write(UInt32(text.utf8.count))
        bytes += Array(text.utf8) + [0]
    }

    mutating func write(field: UInt8, _ type: String, _ text: String) {
        align(8)
        bytes += [field, 1] + Array(type.utf8) + [0]
        write(text)
    }

    mutating func write(signature: String) {
        align(8)
        bytes += [8, 1, UInt8(ascii: "g"), 0, UInt8(signature.utf8.count)] + Array(signature.utf8) + [0]
    }
}

/// What is looked at of a message of the manager's.
struct DBusAnswer: Equatable {
    static let returned: UInt8 = 2
    static let failed: UInt8 = 3

    private(set) var kind: UInt8
    private(set) var replySerial: UInt32?
    private(set) var errorName = ""
    /// The body, where it begins with a string.
    private(set) var text = ""

    /// The bytes of the message that begins here, nil when none does. At least 16 are there.
    static func length(of bytes: [UInt8]) -> Int? {
        var reader = DBusReader(bytes)
        guard bytes[0] == UInt8(ascii: "l"), bytes[3] == 1 else { return nil }
        reader.index = 4
        guard let body = reader.number(), let _ = reader.number(), let fields = reader.number() else { return nil }
        return (16 + Int(fields) + 7) / 8 * 8 + Int(body)
    }

    /// - Parameter message: one whole message.
    init?(_ message: [UInt8]) {
        guard message.count >= 16 else { return nil }
        kind = message[1]
        var reader = DBusReader(message)
        reader.index = 12
        guard let length = reader.number(), 16 + Int(length) <= message.count else { return nil }
        var signature = ""
        let end = 16 + Int(length)
        while reader.index < end {
            reader.align(8)
            guard let code = reader.byte(), let type = reader.signature() else { return nil }
            switch type {
            case "u":
                guard let number = reader.number() else { return nil }
                if code == 5 { replySerial = number }
            case "s", "o":
                guard let text = reader.string() else { return nil }
                if code == 4 { errorName = text }
            case "g":
                guard let text = reader.signature() else { return nil }
                if code == 8 { signature = text }
            default: return nil
            }
        }
        guard signature.hasPrefix("s") else { return }
        reader.align(8)
        guard let text = reader.string() else { return nil }
        self.text = String(text.prefix(500))
    }
}

private struct DBusReader {
    let bytes: [UInt8]
    var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func align(_ size: Int) { index = (index + size - 1) / size * size }

    mutating func byte() -> UInt8? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func number() -> UInt32? {
        align(4)
        guard index + 4 <= bytes.count else { return nil }
        defer { index += 4 }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << (8 * UInt32($1)) }
    }

    mutating func string() -> String? { number().flatMap { text(Int($0)) } }
    mutating func signature() -> String? { byte().flatMap { text(Int($0)) } }

    /// A zero byte follows.
    private mutating func text(_ count: Int) -> String? {
        guard count <= bytes.count, index + count < bytes.count else { return nil }
        defer { index += count + 1 }
        return String(decoding: bytes[index..<index + count], as: UTF8.self)
    }
}
