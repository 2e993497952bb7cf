// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Signals read from a descriptor instead of handled asynchronously (signalfd(2)).
package struct SignalDescriptor: Sendable {
    package let descriptor: FileDescriptor

    /// Blocks the signals and makes them readable. Programs started by `ChildProcess` get a clean mask.
    package init(_ signals: [Int32]) throws {
        let mask = signals.reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) }
        descriptor = FileDescriptor(rawValue: try check(rkt_signalfd(mask), "signalfd"))
    }

    /// The next waiting signal, or nil.
    package func next() throws -> Int32? {
        let signal = try check(rkt_signalfd_read(descriptor.rawValue), "read")
        return signal == 0 ? nil : signal
    }
}

/// Signals by which systemd-machined(8) asks a machine's leader for its end (systemd(1), "Signals").
package enum MachineSignal {
    /// SIGRTMIN+3
    package static var halt: Int32 { rkt_sigrtmin() + 3 }
    /// SIGRTMIN+4
    package static var powerOff: Int32 { rkt_sigrtmin() + 4 }
}
