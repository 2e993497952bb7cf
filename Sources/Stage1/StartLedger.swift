// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// The moments of a pod's start and end, kept in the pod's directory as one JSON object of microseconds.
///
/// Host moments count from the start of the supervisor; guest moments, named `guest.*`, from the start of its kernel.
/// `origin` is the supervisor's start itself, on the host's CLOCK_MONOTONIC.
struct StartLedger {
    private let origin: UInt64
    private var moments: [(name: String, microseconds: UInt64)] = []
    private var names: Set<String> = []
    private var guestMoments = 0
    private static let mostGuestMoments = 32

    init(origin: UInt64 = Clock.microseconds) { self.origin = origin }

    /// A moment counts when it is reached first.
    mutating func mark(_ name: String) {
        if names.insert(name).inserted { moments.append((name, Clock.microseconds - origin)) }
    }

    /// Names come from the guest: only plain short words are kept, each once, and not many.
    mutating func markGuest(_ name: String, _ microseconds: UInt64) {
        let isPlain = name.utf8.count <= 32 && name.utf8.allSatisfy { (97...122).contains($0) || $0 == 45 }
        guard isPlain, guestMoments < Self.mostGuestMoments, names.insert("guest.\(name)").inserted else { return }
        guestMoments += 1
        moments.append(("guest.\(name)", microseconds))
    }

    func write(to path: FilePath) throws {
        let members = [("origin", origin)] + moments
        let text = members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        try FileSystem.writeAtomically(Array("{\(text)}\n".utf8), to: path)
    }
}
