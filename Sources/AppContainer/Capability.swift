// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A capability of Linux (capabilities(7)); the numbers are those of linux/capability.h up to Linux 6.12.
package struct Capability: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The bit in a mask, 0 to 40.
    package let number: Int

    private static let names = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]

    /// Reads a name such as `CAP_NET_RAW`.
    package init(parsing name: String) throws(ScalarError) {
        guard let number = Capability.names.firstIndex(of: name) else {
            throw ScalarError(name, "is not a capability: expected a name such as CAP_NET_RAW")
        }
        self.number = number
    }

    /// The capability of a number, nil when there is none.
    package init?(number: Int) {
        guard Capability.names.indices.contains(number) else { return nil }
        self.number = number
    }

    /// The name, such as `CAP_NET_RAW`.
    package var name: String { Capability.names[number] }

    package var description: String { name }

    package static func < (first: Capability, second: Capability) -> Bool { first.number < second.number }

    /// Every capability.
    package static let all = CapabilitySet(mask: (1 << UInt64(names.count)) - 1)
}

/// A set of capabilities, such as a bounding set.
package struct CapabilitySet: Hashable, Sendable {
    /// One bit for each capability, as `/proc/PID/status` shows it.
    package private(set) var mask: UInt64

    package init(mask: UInt64 = 0) { self.mask = mask }

    /// The capabilities of these names.
    package init(names: some Sequence<String>) throws(ScalarError) {
        mask = 0
        for name in names { mask |= 1 << UInt64(try Capability(parsing: name).number) }
    }

    /// Whether a capability is a member.
    package func contains(_ capability: Capability) -> Bool { mask & 1 << UInt64(capability.number) != 0 }
    /// The members of either set.
    package func union(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(mask: mask | other.mask) }
    /// The members that another set lacks.
    package func subtracting(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(mask: mask & ~other.mask) }

    /// The members by number.
    package var capabilities: [Capability] { (0..<64).compactMap(Capability.init(number:)).filter(contains) }

    /// The names of the members by number.
    package var names: [String] { capabilities.map(\.name) }

    /// The bounding set of an app without isolators.
    package static let appDefault: CapabilitySet = {
        let names = [
            "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_KILL", "CAP_MKNOD",
            "CAP_NET_RAW", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETFCAP",
            "CAP_SYS_CHROOT",
        ]
        return (try? CapabilitySet(names: names)) ?? CapabilitySet()
    }()
}

extension [Isolator] {
    /// The bounding set: exactly what is retained, or the default without what is removed. Repeated sets are united.
    package func capabilityBoundingSet() throws(ScalarError) -> CapabilitySet {
        var retained: CapabilitySet?
        var removed = CapabilitySet()
        for isolator in self {
            switch isolator.kind {
            case .capabilitiesRetainSet(let names):
                retained = (retained ?? CapabilitySet()).union(try CapabilitySet(names: names))
            case .capabilitiesRemoveSet(let names): removed = removed.union(try CapabilitySet(names: names))
            default: break
            }
        }
        return (retained ?? .appDefault).subtracting(removed)
    }
}
