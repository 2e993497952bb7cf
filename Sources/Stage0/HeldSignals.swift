// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform

/// Keeps the signals that ask a program to end waiting until `release`.
final class HeldSignals {
    private static let numbers = [SIGHUP, SIGINT, SIGTERM, MachineSignal.halt, MachineSignal.powerOff]
    private var before = sigset_t()
    private var isHolding = true

    init() {
        var held = sigset_t()
        sigemptyset(&held)
        for number in HeldSignals.numbers { sigaddset(&held, number) }
        pthread_sigmask(SIG_BLOCK, &held, &before)
    }

    /// A signal that has come since.
    var pending: CInt? {
        var waiting = sigset_t()
        sigpending(&waiting)
        return HeldSignals.numbers.first { sigismember(&waiting, $0) == 1 }
    }

    /// Lets the signals through again; one that waits takes effect now. Safe to repeat.
    func release() {
        guard isHolding else { return }
        isHolding = false
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    deinit { release() }
}
