// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The value of a known isolator.
package enum IsolatorKind: Hashable, Sendable {
    /// Cores: CPU-seconds per second.
    case cpu(ResourceRange)
    /// Bytes.
    case memory(ResourceRange)
    /// Bytes per second over all block devices; nil for no limit.
    case blockBandwidth(limit: Quantity?)
    /// Operations per second over all block devices; nil for no limit.
    case blockOperations(limit: Quantity?)
    /// Bytes per second over all interfaces but the loopback one; nil for no limit.
    case networkBandwidth(limit: Quantity?)
    /// Names of capabilities that form the bounding set; never empty.
    case capabilitiesRetainSet([String])
    /// Names of capabilities to take from the default bounding set; never empty.
    case capabilitiesRemoveSet([String])
    case seccompRetainSet(SeccompSet)
    case seccompRemoveSet(SeccompSet)
    case noNewPrivileges(Bool)
    case seLinuxContext(SELinuxContext)
    /// The name of a loaded profile.
    case appArmorProfile(String)
    /// -1000 to 1000.
    case oomScoreAdjustment(Int)
    /// 2 to 262144.
    case cpuShares(Int)
    /// Values of kernel parameters by key.
    case sysctl([String: String])

    package var name: IsolatorName {
        switch self {
        case .cpu: .cpu
        case .memory: .memory
        case .blockBandwidth: .blockBandwidth
        case .blockOperations: .blockOperations
        case .networkBandwidth: .networkBandwidth
        case .capabilitiesRetainSet: .capabilitiesRetainSet
        case .capabilitiesRemoveSet: .capabilitiesRemoveSet
        case .seccompRetainSet: .seccompRetainSet
        case .seccompRemoveSet: .seccompRemoveSet
        case .noNewPrivileges: .noNewPrivileges
        case .seLinuxContext: .seLinuxContext
        case .appArmorProfile: .appArmorProfile
        case .oomScoreAdjustment: .oomScoreAdjustment
        case .cpuShares: .cpuShares
        case .sysctl: .sysctl
        }
    }
}

/// What is guaranteed and what is the most; either may be absent.
package struct ResourceRange: Hashable, Sendable {
    /// The guaranteed share; defaults to the limit.
    package var request: Quantity?
    /// The ceiling; absent for none.
    package var limit: Quantity?

    package init(request: Quantity? = nil, limit: Quantity?) {
        self.request = request
        self.limit = limit
    }
}

/// A list of system calls that are allowed or denied.
package struct SeccompSet: Hashable, Sendable {
    /// Names of system calls, and wildcards `@scope/name`; never empty.
    package var calls: [String]
    /// The name of the error that a blocked call fails with; nil to kill the app with SIGSYS.
    package var errno: String?

    package init(calls: [String], errno: String? = nil) {
        self.calls = calls
        self.errno = errno
    }

    /// In a retain-set: masks the rest, no call is filtered.
    package static let allCalls = "@appc.io/all"
    /// In a remove-set: masks the rest, only the implementation's default filter remains.
    package static let noCalls = "@appc.io/empty"
}

/// A process label of SELinux.
package struct SELinuxContext: Hashable, Sendable, CustomStringConvertible {
    package var user: String
    package var role: String
    package var type: String
    /// The only part that may hold colons.
    package var level: String

    package init(user: String, role: String, type: String, level: String) {
        self.user = user
        self.role = role
        self.type = type
        self.level = level
    }

    /// `user:role:type:level`.
    package var description: String { "\(user):\(role):\(type):\(level)" }
}
