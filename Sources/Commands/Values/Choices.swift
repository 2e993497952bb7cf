// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ImageFetch
import Stage0

/// What listings are printed as.
package enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// For people, and scripts that split at tabs.
    case text = ""
    case json
    case jsonPretty = "json-pretty"

    package static var allValueStrings: [String] { ["json", "json-pretty"] }
}

/// What entries of a journal are printed as.
package enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// For people, one line each.
    case text = ""
    /// For programs, one object on a line each.
    case json

    package static var allValueStrings: [String] { ["json"] }
}

/// What a preview is printed as; `--dry-run` alone means text.
package enum PreviewFormat: String, ExpressibleByArgument, ImpliedValue, CaseIterable, Sendable {
    case text
    case json
    case jsonPretty = "json-pretty"

    package static let impliedValue = "text"
}

/// Which way a listing is sorted.
package enum SortOrder: String, ExpressibleByArgument, CaseIterable, Sendable {
    case ascending = "asc"
    case descending = "desc"
}

extension PullPolicy: ExpressibleByArgument {}

/// `--insecure-options`, checked when the command line is read.
package struct InsecureWords: Equatable, Sendable, CustomStringConvertible {
    package let options: InsecureOptions
    package let description: String

    package static let none = InsecureWords(options: [], description: "none")

    private init(options: InsecureOptions, description: String) {
        self.options = options
        self.description = description
    }

    /// - Throws: `unknown option "…"`.
    package init(parsing list: String) throws {
        options = try InsecureOptions(parsing: list)
        description = list
    }
}
