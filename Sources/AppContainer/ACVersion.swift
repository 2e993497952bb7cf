// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A semantic version, as of the specification that a manifest was written for.
package struct ACVersion: Hashable, Sendable, CustomStringConvertible {
    package let major: Int64
    package let minor: Int64
    package let patch: Int64
    /// What stands between the first `-` and the `+`; empty when there is none.
    package let preRelease: String
    /// What stands behind the first `+`; empty when there is none. It has no part in the order of versions.
    package let metadata: String

    package init(major: Int64, minor: Int64, patch: Int64, preRelease: String = "", metadata: String = "") {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.preRelease = preRelease
        self.metadata = metadata
    }

    /// Reads `1.2.3-pre+meta`. Leading zeros are accepted, 0.0.0 is refused since it stands for "unset".
    package init(parsing text: String) throws(ScalarError) {
        let atPlus = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let atHyphen = atPlus[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = atHyphen[0].split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, let major: Int64 = ASCII.number(numbers[0]),
            let minor: Int64 = ASCII.number(numbers[1]), let patch: Int64 = ASCII.number(numbers[2])
        else { throw ScalarError(text, "is not a version: expected MAJOR.MINOR.PATCH") }
        self.init(
            major: major, minor: minor, patch: patch, preRelease: atHyphen.count > 1 ? String(atHyphen[1]) : "",
            metadata: atPlus.count > 1 ? String(atPlus[1]) : "")
        if self == ACVersion(major: 0, minor: 0, patch: 0) {
            throw ScalarError(text, "is not a version: the zero version counts as unset")
        }
    }

    /// The version of the specification that this program writes.
    package static let current =
        (try? ACVersion(parsing: Version.appContainer)) ?? ACVersion(major: 0, minor: 8, patch: 11)

    /// The canonical text: numbers without leading zeros, empty parts left out.
    package var string: String {
        "\(major).\(minor).\(patch)" + (preRelease.isEmpty ? "" : "-" + preRelease)
            + (metadata.isEmpty ? "" : "+" + metadata)
    }

    package var description: String { string }

    /// Whether manifests of this version are understood for certain: same major version as ``current``.
    package var isCompatible: Bool { major == ACVersion.current.major }

    /// Whether this version is older than another one; metadata does not count.
    package func precedes(_ other: ACVersion) -> Bool {
        if (major, minor, patch) != (other.major, other.minor, other.patch) {
            return (major, minor, patch) < (other.major, other.minor, other.patch)
        }
        if preRelease.isEmpty || other.preRelease.isEmpty { return !preRelease.isEmpty && other.preRelease.isEmpty }
        let parts = preRelease.split(separator: ".", omittingEmptySubsequences: false)
        let otherParts = other.preRelease.split(separator: ".", omittingEmptySubsequences: false)
        for (part, otherPart) in zip(parts, otherParts) where part != otherPart {
            if let number = Int64(part), let otherNumber = Int64(otherPart) {
                if number != otherNumber { return number < otherNumber }
            } else {
                return part < otherPart
            }
        }
        return parts.count < otherParts.count
    }
}
