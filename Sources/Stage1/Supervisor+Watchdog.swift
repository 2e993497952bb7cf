// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform

/// When the guest is asked whether it is alive, for a systemd that watches the pod's unit (WatchdogSec= of
/// systemd.service(5)).
struct GuestWatch {
    /// Milliseconds between two signs of life: a quarter of what systemd waits for one.
    let interval: Int
    /// When the next one is due.
    private(set) var deadline = Clock.milliseconds
    private var number: UInt32 = 0
    private var isAnswered = true

    /// - Parameter watchdog: microseconds.
    init(watchdog: Int) { interval = max(10, watchdog / 4000) }

    /// Milliseconds of the clock; nil while an answer is waited for.
    var wakeUp: Int? { isAnswered ? deadline : nil }

    /// Whether a sign of life is due. The next one is an interval later.
    mutating func isDue() -> Bool {
        guard Clock.milliseconds >= deadline else { return false }
        deadline = Clock.milliseconds + interval
        return true
    }

    /// The number of a ping; nil while the one before is not answered. It counts whenever its answer comes, since only
    /// systemd knows when that is too late.
    mutating func ask() -> UInt32? {
        guard isAnswered else { return nil }
        isAnswered = false
        number &+= 1
        return number
    }

    /// - Returns: whether this is the answer that was waited for.
    mutating func answer(_ number: UInt32) -> Bool {
        guard !isAnswered, number == self.number else { return false }
        isAnswered = true
        return true
    }
}

extension Supervisor {
    /// When something is due for systemd's watchdog.
    var watchDeadline: Int? {
        guard let watch, phase != .ending else { return nil }
        return speaksForGuest ? watch.deadline : watch.wakeUp
    }

    /// The guest speaks for itself from the moment that its agent can until it stops: booting and stopping have
    /// deadlines of their own.
    private var speaksForGuest: Bool {
        if case .running = phase { return !agentIsConnected && !agentIsLost }
        return true
    }

    /// Gives systemd a sign of life, or asks the guest for one.
    func keepWatch() {
        guard watch != nil, phase != .ending, watch?.isDue() == true else { return }
        if speaksForGuest {
            manager?.isAlive()
        } else if let number = watch?.ask() {
            sendToAgent(.ping(number: number))
        }
    }

    func takePong(_ number: UInt32) { if watch?.answer(number) == true { manager?.isAlive() } }
}
