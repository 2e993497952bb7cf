// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, aligned with tabs alone, so that programs can split them at runs of tabs.
package struct TabbedTable: Sendable {
    private static let tabWidth = 8
    private var rows: [[String]] = []

    package init() {}

    /// All rows have the same number of cells. A tab or a line break within a cell becomes a blank.
    package mutating func append(_ row: [String]) {
        rows.append(row.map { cell in String(cell.map { $0 == "\t" || $0.isNewline ? " " : $0 }) })
    }

    /// Lines that all end in a newline; a table without rows is one empty line.
    package var text: String {
        guard let first = rows.first else { return "\n" }
        let widths = first.indices.map { column in
            // At least one blank's width between columns, rounded up to the next tab stop.
            let widest = rows.map { $0[column].count }.max() ?? 0
            return (widest + TabbedTable.tabWidth) / TabbedTable.tabWidth * TabbedTable.tabWidth
        }
        return rows.map { line($0, widths) }.joined()
    }

    private func line(_ row: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in row.enumerated() {
            line += cell
            guard column < row.count - 1 else { break }
            let missing = widths[column] - cell.count
            line += String(repeating: "\t", count: (missing + TabbedTable.tabWidth - 1) / TabbedTable.tabWidth)
        }
        return line + "\n"
    }
}
