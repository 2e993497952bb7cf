// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A restriction on an app or a pod: a name, and a value whose form depends on the name.
package struct Isolator: Hashable, Sendable {
    /// An AC identifier such as `resource/memory`.
    package let name: String
    /// The value as it stands in the manifest; it is written unchanged.
    package let value: JSONValue
    /// The value by its meaning, nil for an isolator this program does not know.
    package let kind: IsolatorKind?

    /// An isolator of a known kind.
    package init(_ kind: IsolatorKind) {
        name = kind.name.rawValue
        value = kind.json
        self.kind = kind
    }

    /// Reads the value of an isolator; one with an unknown name may have any value but null.
    package init(name: String, value: JSONValue) throws(ManifestError) {
        try self.init(field: ManifestField(["name": .string(name), "value": value]))
    }

    init(field: ManifestField) throws(ManifestError) {
        name = try field["name"].requiredScalar(ACIdentifier.init(parsing:)).string
        let valueField = field["value"]
        guard let value = valueField.value else { throw valueField.failure("is required but missing") }
        guard value != .null else { throw valueField.failure("must not be null") }
        self.value = value
        kind = try IsolatorName(rawValue: name).map { name throws(ManifestError) in
            try IsolatorKind(name, valueField)
        }
    }

    var json: JSONValue { ["name": .string(name), "value": value] }
}

/// The isolators this program knows.
package enum IsolatorName: String, Hashable, Sendable, CaseIterable {
    case cpu = "resource/cpu"
    case memory = "resource/memory"
    case blockBandwidth = "resource/block-bandwidth"
    case blockOperations = "resource/block-iops"
    case networkBandwidth = "resource/network-bandwidth"
    case capabilitiesRetainSet = "os/linux/capabilities-retain-set"
    case capabilitiesRemoveSet = "os/linux/capabilities-remove-set"
    case seccompRetainSet = "os/linux/seccomp-retain-set"
    case seccompRemoveSet = "os/linux/seccomp-remove-set"
    case noNewPrivileges = "os/linux/no-new-privileges"
    case seLinuxContext = "os/linux/selinux-context"
    case appArmorProfile = "os/linux/apparmor-profile"
    case oomScoreAdjustment = "os/linux/oom-score-adj"
    case cpuShares = "os/linux/cpu-shares"
    case sysctl = "os/unix/sysctl"

    /// Whether a list may hold this isolator more than once; then the last one counts.
    package var isRepeatable: Bool {
        switch self {
        case .cpu, .memory, .blockBandwidth, .blockOperations, .networkBandwidth, .capabilitiesRetainSet,
            .capabilitiesRemoveSet, .noNewPrivileges:
            true
        case .seccompRetainSet, .seccompRemoveSet, .seLinuxContext, .appArmorProfile, .oomScoreAdjustment, .cpuShares,
            .sysctl:
            false
        }
    }

    /// The isolator that must not be in the same list.
    package var conflict: IsolatorName? {
        switch self {
        case .capabilitiesRetainSet: .capabilitiesRemoveSet
        case .capabilitiesRemoveSet: .capabilitiesRetainSet
        case .seccompRetainSet: .seccompRemoveSet
        case .seccompRemoveSet: .seccompRetainSet
        default: nil
        }
    }
}
