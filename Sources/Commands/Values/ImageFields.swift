// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A column of `image list`.
package enum ImageField: String, CaseIterable, Sendable {
    case id
    case name
    case size
    case importTime = "importtime"
    case lastUsed = "lastused"
    /// Whether the image was fetched without a version; it goes before others when it is asked for so.
    case latest
}

/// Columns of `image list`, in the order given.
package struct ImageFields: Equatable, Sendable, CustomStringConvertible {
    package let fields: [ImageField]

    /// The columns that programs expect, in this order.
    package static let standard = ImageFields(fields: [.id, .name, .size, .importTime, .lastUsed])

    package init(fields: [ImageField]) {
        self.fields = fields
    }

    /// Reads names that are separated by commas.
    ///
    /// - Throws: when a name is unknown.
    package init(parsing list: String) throws {
        fields = try list.split(separator: ",", omittingEmptySubsequences: false).map { name in
            guard let field = ImageField(rawValue: String(name)) else {
                let known = ImageField.allCases.map(\.rawValue).joined(separator: ", ")
                throw RuntimeError(.invalidArgument, "unknown column \"\(name)\"; there are \(known)")
            }
            return field
        }
    }

    package var description: String { fields.map(\.rawValue).joined(separator: ",") }
}
