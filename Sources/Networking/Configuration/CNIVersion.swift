// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A version of the Container Network Interface's specification.
package enum CNIVersion: String, Sendable, CaseIterable, Comparable {
    case v0_1_0 = "0.1.0"
    case v0_2_0 = "0.2.0"
    case v0_3_0 = "0.3.0"
    case v0_3_1 = "0.3.1"
    case v0_4_0 = "0.4.0"
    case v1_0_0 = "1.0.0"

    /// Whether results tell of interfaces and of any number of addresses.
    package var listsInterfaces: Bool { self >= .v0_3_0 }
    /// Whether there is CHECK, and whether DEL gets the result of ADD.
    package var hasCheck: Bool { self >= .v0_4_0 }

    package static func < (first: CNIVersion, second: CNIVersion) -> Bool { first.rank < second.rank }

    private var rank: Int { CNIVersion.allCases.firstIndex(of: self) ?? 0 }

    /// Reads `cniVersion`, nil when it is absent.
    static func read(_ field: JSONField) throws(FormatError) -> CNIVersion? {
        guard let text = try field.string(limit: 64) else { return nil }
        guard let version = CNIVersion(rawValue: text) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            throw field.failure("\"\(text)\" is not a known version: use one of \(known)")
        }
        return version
    }
}
