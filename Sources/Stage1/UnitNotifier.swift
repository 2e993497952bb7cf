// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform

/// The host's systemd, where this process is the main process of a unit: it is told of the pod in the words of
/// sd_notify(3).
///
/// Nothing that a guest says is passed on: a line of its own would be another assignment.
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
    package func isAlive() { send(["WATCHDOG=1"]) }

    package func appEnded(_ app: String, _ status: Int32) {
        if status != 0, firstFailure == nil { firstFailure = (app, status) }
    }

    package func ended(_ outcome: PodOutcome) { send(["STATUS=" + Self.bounded(sentence(outcome))]) }

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
        guard let socket else { return }
        do {
            try socket.send(assignments.joined(separator: "\n"))
        } catch {
            socket.close()
            self.socket = nil
            complain("systemd is told nothing more of the pod: \(error)")
        }
    }
}
