// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CSystemd
import Diagnostics

/// A change to the list of machines that systemd-machined(8) keeps: one call of `org.freedesktop.machine1`.
package enum MachineRegistration: Equatable, Sendable {
    /// The unit that the leader is in stays as it is, and is the machine's.
    case register(Machine)
    case unregister(name: String)

    package struct Machine: Equatable, Sendable {
        package var name: String
        /// 16 bytes.
        package var id: [UInt8]
        /// `container` or `vm`.
        package var kind: String
        /// A process of the machine, by its number on the host.
        package var leader: UInt32
        /// Absolute, or empty where the host does not see it.
        package var root: String

        package init(name: String, id: [UInt8], kind: String, leader: UInt32, root: String) {
            self.name = name
            self.id = id
            self.kind = kind
            self.leader = leader
            self.root = root
        }
    }

    /// - Parameter arguments: `register NAME UUID CLASS LEADER ROOT` or `unregister NAME`.
    package init(parsing arguments: [String]) throws {
        let parts = Array(arguments.dropFirst())
        switch arguments.first {
        case "register" where parts.count == 5:
            guard let id = Self.bytes(ofUUID: parts[1]), let leader = UInt32(parts[3]), leader > 0 else {
                throw Self.usage
            }
            self = .register(Machine(name: parts[0], id: id, kind: parts[2], leader: leader, root: parts[4]))
        case "unregister" where parts.count == 1: self = .unregister(name: parts[0])
        default: throw Self.usage
        }
    }

    private static let usage = RuntimeError(
        .invalidArgument, "the arguments are: register NAME UUID CLASS LEADER ROOT, or: unregister NAME")

    private static func bytes(ofUUID text: String) -> [UInt8]? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 32, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    /// Errors that mean that no such service is there, or no such machine any more.
    private static let absence: Set<String> = [
        "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.FileNotFound", "org.freedesktop.machine1.NoSuchMachine",
    ]
    /// Microseconds for an answer.
    private static let patience: UInt64 = 10_000_000

    /// Makes the call on the system bus. Nothing happens where there is no bus, or nobody answers to the name.
    package func perform() throws {
        var bus: OpaquePointer?
        let opened = sd_bus_open_system(&bus)
        if opened == -ENOENT || opened == -ECONNREFUSED { return }
        try Self.check(opened, "connect to the system bus")
        defer { sd_bus_flush_close_unref(bus) }
        var message: OpaquePointer?
        try Self.check(
            sd_bus_message_new_method_call(
                bus, &message, "org.freedesktop.machine1", "/org/freedesktop/machine1",
                "org.freedesktop.machine1.Manager", method), "make a message")
        defer { sd_bus_message_unref(message) }
        try Self.check(fill(message), "fill a message")
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        let result = sd_bus_call(bus, message, Self.patience, &error, nil)
        guard result < 0 else { return }
        // SAFETY: both are strings, or nil, until the error is freed.
        if let name = error.name, Self.absence.contains(String(cString: name)) { return }
        let reason = error.message.map { String(cString: $0) } ?? Self.text(result)
        throw RuntimeError(.internal, PrintableText.lines(reason).joined(separator: " "))
    }

    private var method: String {
        switch self {
        case .register: "RegisterMachine"
        case .unregister: "UnregisterMachine"
        }
    }

    /// - Returns: a negative error number when something does not fit.
    private func fill(_ message: OpaquePointer?) -> Int32 {
        switch self {
        case .unregister(let name): return Self.append(name, message)
        case .register(let machine):
            let steps: [() -> Int32] = [
                { Self.append(machine.name, message) },
                {
                    // SAFETY: the bytes are copied during the call.
                    sd_bus_message_append_array(message, Self.type("y"), machine.id, machine.id.count)
                },
                { Self.append("rkt", message) },
                { Self.append(machine.kind, message) },
                {
                    var leader = machine.leader
                    // SAFETY: the number is copied during the call.
                    return sd_bus_message_append_basic(message, Self.type("u"), &leader)
                },
                { Self.append(machine.root, message) },
            ]
            for step in steps {
                let result = step()
                if result < 0 { return result }
            }
            return 0
        }
    }

    private static func append(_ text: String, _ message: OpaquePointer?) -> Int32 {
        // SAFETY: the text is copied during the call.
        text.withCString { sd_bus_message_append_basic(message, type("s"), $0) }
    }

    /// A letter of D-Bus's type system.
    private static func type(_ letter: UnicodeScalar) -> CChar { CChar(bitPattern: UInt8(ascii: letter)) }

    private static func check(_ result: Int32, _ what: String) throws {
        guard result < 0 else { return }
        throw RuntimeError(.internal, "cannot \(what): \(text(result))")
    }

    private static func text(_ result: Int32) -> String { String(cString: strerror(-result)) }
}
