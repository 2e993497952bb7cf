// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CSystemd
import LinuxPlatform
import SystemPackage
import TestSupport

/// A bus of a test's own, with or without somebody who answers in place of systemd-machined.
final class FakeMachined {
    /// The error's name and its text; nil for success.
    typealias Answer = (name: String, text: String)?

    private let scratch: ScratchDirectory
    private let daemon: HostProcess
    private let socket: FilePath
    private var bus: OpaquePointer?
    private var isAnswering = true
    /// Methods that were called, with their arguments.
    private(set) var calls: [[String]] = []

    init() async throws {
        let scratch = try ScratchDirectory()
        let socket = scratch.appending("bus")
        let configuration = scratch.appending("configuration")
        let text = """
            <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
              "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type>
              <listen>unix:path=\(socket)</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
              </policy>
            </busconfig>
            """
        try FileSystem.write(text.utf8, to: configuration)
        let daemon = try HostProcess(
            Program.path(of: "dbus-daemon") ?? "/usr/bin/dbus-daemon",
            ["--config-file=\(configuration)", "--nofork", "--nopidfile", "--nosyslog"],
            log: scratch.appending("daemon"))
        (self.scratch, self.daemon, self.socket) = (scratch, daemon, socket)
        try await eventually("a bus") {
            guard daemon.isRunning else { throw FixtureError("dbus-daemon has ended: \(daemon.error)") }
            guard let connection = try? UnixSocket.connect(socket) else { return false }
            try? connection.close()
            return true
        }
    }

    deinit {
        sd_bus_flush_close_unref(bus)
        daemon.kill()
        scratch.close()
    }

    /// Takes machined's name.
    func serve() throws {
        try require(sd_bus_new(&bus), "sd_bus_new")
        try require(sd_bus_set_address(bus, "unix:path=\(socket)"), "sd_bus_set_address")
        try require(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client")
        try require(sd_bus_start(bus), "sd_bus_start")
        try require(sd_bus_request_name(bus, "org.freedesktop.machine1", 0), "sd_bus_request_name")
    }

    /// Runs the program to its end, and answers what it asks.
    func run(_ arguments: [String], answer: Answer = nil) async throws -> HostProcess.Outcome {
        let program = try HostProcess(
            BuildProducts.machineRegistration, arguments,
            environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(socket)"], log: scratch.appending("program"))
        // The program waits for seconds only: where many tests run, a task is woken from a sleep later than that.
        let deadline = Clock.milliseconds + 60_000
        while program.isRunning, Clock.milliseconds < deadline {
            if bus != nil { while try process(answer) {} }
            let source = bus.map { [(FileDescriptor(rawValue: sd_bus_get_fd($0)), Poll.Interest.read)] } ?? []
            _ = try Poll.wait(source, timeout: 20)
        }
        return try await program.end()
    }

    /// - Returns: whether there was something to do.
    private func process(_ answer: Answer) throws -> Bool {
        var message: OpaquePointer?
        let result = sd_bus_process(bus, &message)
        try require(result, "sd_bus_process")
        guard let message else { return result > 0 }
        defer { sd_bus_message_unref(message) }
        guard sd_bus_message_is_method_call(message, "org.freedesktop.machine1.Manager", nil) > 0 else { return true }
        calls.append(try read(message))
        if let answer {
            try answer.name.withCString { name in
                try answer.text.withCString { text in
                    var error = sd_bus_error(name: name, message: text, _need_free: 0)
                    try require(sd_bus_reply_method_error(message, &error), "sd_bus_reply_method_error")
                }
            }
        } else {
            var reply: OpaquePointer?
            try require(sd_bus_message_new_method_return(message, &reply), "sd_bus_message_new_method_return")
            defer { sd_bus_message_unref(reply) }
            try require(sd_bus_send(bus, reply, nil), "sd_bus_send")
        }
        return true
    }

    private func read(_ message: OpaquePointer) throws -> [String] {
        var words = [String(cString: sd_bus_message_get_member(message))]
        let signature = String(cString: sd_bus_message_get_signature(message, 1))
        words.append(signature)
        for letter in signature.replacing("ay", with: "A") {
            switch letter {
            case "s":
                var text: UnsafePointer<CChar>?
                try require(sd_bus_message_read_basic(message, CChar(0x73), &text), "read a string")
                words.append(text.map { String(cString: $0) } ?? "")
            case "u":
                var number: UInt32 = 0
                try require(sd_bus_message_read_basic(message, CChar(0x75), &number), "read a number")
                words.append("\(number)")
            default:
                var start: UnsafeRawPointer?
                var size = 0
                try require(sd_bus_message_read_array(message, CChar(0x79), &start, &size), "read bytes")
                let bytes = UnsafeRawBufferPointer(start: start, count: size)
                words.append(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
            }
        }
        return words
    }

    private func require(_ result: Int32, _ what: String) throws {
        guard result < 0 else { return }
        throw FixtureError("\(what): \(Errno(rawValue: -result))")
    }
}
