// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import RktAPI

/// A filter of a listing.
package protocol ListFilter {
    /// The first thing that nothing could be asked for; nil when there is none.
    var flaw: String? { get }
    /// How many values its fields have.
    var valueCount: Int { get }
}

extension V1alpha_PodFilter: ListFilter {
    package var valueCount: Int {
        ids.count + states.count + appNames.count + imageIds.count + networkNames.count + annotations.count
            + cgroups.count + podSubCgroups.count
    }
}

extension V1alpha_ImageFilter: ListFilter {
    package var valueCount: Int {
        ids.count + prefixes.count + baseNames.count + keywords.count + labels.count + annotations.count
            + fullNames.count
    }
}

/// What filters of one request may have. Each is compared with every pod, image or event: more of them keep threads busy
/// that others wait for.
package enum FilterLimit {
    /// Of filters and of the values in them, together.
    package static let count = 1024

    /// - Throws: RESOURCE_EXHAUSTED for too many.
    static func check(_ count: Int) throws {
        guard count <= FilterLimit.count else {
            throw RPCError(
                code: .resourceExhausted,
                message: "the filters have \(count) values, which are more than \(FilterLimit.count); ask several times"
            )
        }
    }
}

extension Array where Element: ListFilter {
    /// - Throws: RESOURCE_EXHAUSTED for too many, INVALID_ARGUMENT for what nothing could be asked for.
    func check() throws {
        try FilterLimit.check(reduce(0) { $0 + 1 + $1.valueCount })
        if let flaw = lazy.compactMap(\.flaw).first { throw RPCError.invalid(flaw) }
    }
}
