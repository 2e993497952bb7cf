// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser

/// How a listing is printed.
package struct ListOptions: ParsableArguments {
    @Flag(help: "Print everything in full.")
    package var full = false

    @Flag(help: "Leave out the line with the columns' names.")
    package var noLegend = false

    @Option(help: ArgumentHelp("Print an array: json or json-pretty.", valueName: "format"))
    package var format: OutputFormat?

    package init() {}

    /// Whether the table is printed, and no objects.
    var isTable: Bool { (format ?? .text) == .text }

    /// The table, or the objects; only what is asked for is made.
    func text(table: () throws -> TabbedTable, objects: () throws -> [JSONValue]) rethrows -> String {
        switch format ?? .text {
        case .text: try table().text
        case .json: try JSONValue.array(objects()).encoded(pretty: false) + "\n"
        case .jsonPretty: try JSONValue.array(objects()).encoded(pretty: true) + "\n"
        }
    }
}
