// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Sizes as people read them.
package enum SizeText {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// `9.4MiB`, `12MiB`, `512B`: in the largest unit that gives at least one, with a decimal below ten.
    ///
    /// - Parameter separator: stands before the unit.
    package static func short(_ bytes: Int64, separator: String = "") -> String {
        let bytes = max(0, bytes)
        var unit = 0
        var scale: Int64 = 1
        while unit < units.count - 1, bytes / scale >= 1024 {
            scale *= 1024
            unit += 1
        }
        guard unit > 0 else { return "\(bytes)\(separator)B" }
        // Rounded to tenths without leaving integers.
        let tenths = bytes / scale * 10 + (bytes % scale * 10 + scale / 2) / scale
        let number = tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\((tenths + 5) / 10)"
        return number + separator + units[unit]
    }
}
