// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// The host's systemd, where this process is the main process of a unit: it is told of the pod in the words of
/// sd_notify(3).
///
/// Nothing that a guest says is passed on: a line of its own would be another assignment. Nobody waits for a systemd that has
/// no time, as while it reads its units again: what it does not take yet is kept.
package final class UnitNotifier {
    /// What systemd says to a service in its environment (systemd.exec(5)).
    package struct Variables: Sendable, Equatable {
        /// NOTIFY_SOCKET: a path, or a name that begins with "@".
        package var socket: String?
        /// WATCHDOG_USEC: microseconds without a sign of life after which systemd ends the unit; nil where it does not
        /// watch this process.
        package var watchdog: Int?

        package init(socket: String? = nil, watchdog: Int? = nil) {
            self.socket = socket
            self.watchdog = watchdog
        }

        /// - Parameter process: this one's number.
        package init(process: Int32 = getpid(), _ variable: (String) -> String?) {
            socket = variable("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
            if let owner = variable("WATCHDOG_PID"), owner != "\(process)" { return }
            watchdog = variable("WATCHDOG_USEC").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        }

        /// Those of this process, which are gone from its environment afterwards: no program that it starts speaks for
        /// it.
        package static func take() -> Variables {
            let variables = Variables(ProcessImage.variable)
            for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) }
            return variables
        }
    }

    private enum Phase { case starting, ready, stopping }

    /// Bytes of a status; systemd takes messages of 4096.
    private static let longestStatus = 1000

    /// Microseconds in which it expects a sign of life; nil where it expects none.
    package var watchdog: Int? { socket == nil ? nil : variables.watchdog }

    private let variables: Variables
    private var socket: NotificationSocket?
    private let complain: (String) -> Void
    private var phase = Phase.starting
    private var firstFailure: (app: String, status: Int32)?
    /// Messages that there was no room for, in their order: each kind is there once at most.
    private var waiting: [String] = []
    private static let signOfLife = "WATCHDOG=1"

    /// - Parameter complain: takes one line when nothing can be said; once at most.
    package init(_ variables: Variables, complain: @escaping (String) -> Void) {
        self.variables = variables
        self.complain = complain
        guard let address = variables.socket else { return }
        do {
            socket = try NotificationSocket(address)
        } catch {
            complain("systemd is told nothing of the pod: NOTIFY_SOCKET: \(error)")
        }
    }

    deinit { socket?.close() }

    package func starting() { send(["STATUS=starting"]) }

    /// - Parameter apps: their names.
    package func ready(_ apps: [String]) {
        guard phase == .starting else { return }
        phase = .ready
        send(["READY=1", "STATUS=" + Self.bounded("running " + apps.joined(separator: " "))])
    }

    /// The pod's end has begun. Safe to repeat.
    package func stopping() {
        guard phase != .stopping else { return }
        phase = .stopping
        send(["STOPPING=1", "STATUS=stopping"])
    }

    /// A sign of life, for a watchdog.
    package func isAlive() {
        // One that waits says the same.
        if !waiting.contains(Self.signOfLife) { send([Self.signOfLife]) }
    }

    package func appEnded(_ app: String, _ status: Int32) {
        if status != 0, firstFailure == nil { firstFailure = (app, status) }
    }

    /// The last that is said. It may wait for systemd for a moment.
    package func ended(_ outcome: PodOutcome) {
        send(["STATUS=" + Self.bounded(sentence(outcome))])
        sayAll()
    }

    /// What is writable when something that waits can be said; nil while nothing does.
    var waitsFor: FileDescriptor? { waiting.isEmpty ? nil : socket?.descriptor }

    /// Says what there is room for.
    func flush() {
        attempt { socket in
            while let first = waiting.first {
                guard try socket.offer(first) else { return }
                waiting.removeFirst()
            }
        }
    }

    /// Says what waits, for who says nothing more: systemd gets a moment for each message.
    package func sayAll() {
        attempt { socket in
            for text in waiting { try socket.send(text) }
            waiting = []
        }
    }

    private func sentence(_ outcome: PodOutcome) -> String {
        // What comes after it are the guest's words.
        if case .setUpFailed? = outcome.failure { return "the guest could not set up the pod" }
        if let message = outcome.message { return message }
        if outcome.failure == nil, let firstFailure {
            return "app \(firstFailure.app) ended with \(firstFailure.status)"
        }
        return outcome.cause
    }

    /// One line of bounded length.
    private static func bounded(_ text: String) -> String {
        String(decoding: text.utf8.prefix(longestStatus), as: UTF8.self).filter { !$0.isNewline }
    }

    private func send(_ assignments: [String]) {
        guard socket != nil else { return }
        waiting.append(assignments.joined(separator: "\n"))
        flush()
    }

    private func attempt(_ say: (NotificationSocket) throws -> Void) {
        guard let socket else { return }
        do {
            try say(socket)
        } catch {
            socket.close()
            self.socket = nil
            waiting = []
            complain("systemd is told nothing more of the pod: \(error)")
        }
    }
}
