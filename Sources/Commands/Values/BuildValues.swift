// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageArchive

extension Compression: ExpressibleByArgument {}

extension ImageBuilder.Owner: ExpressibleByArgument {
    /// Reads `UID:GID`, both numbers.
    package init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        // The largest number would mean "leave it" to chown(2).
        guard parts.count == 2, let uid = UInt32(parts[0]), let gid = UInt32(parts[1]), uid != .max, gid != .max else {
            return nil
        }
        self.init(uid: uid, gid: gid)
    }
}

/// The variable that sets an end to the times in what is built (https://reproducible-builds.org/specs/source-date-epoch).
package enum SourceDateEpoch {
    package static let variable = "SOURCE_DATE_EPOCH"

    /// Reads seconds since 1970.
    ///
    /// - Returns: nanoseconds; nil when the variable is not set.
    package static func nanoseconds(_ text: String?) throws -> Int64? {
        guard let text else { return nil }
        let product = Int64(text).flatMap { seconds -> Int64? in
            let (value, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            return seconds < 0 || overflow ? nil : value
        }
        guard let product else {
            throw RuntimeError(.invalidArgument, "\(variable) is \"\(text)\", not a number of seconds since 1970")
        }
        return product
    }
}
