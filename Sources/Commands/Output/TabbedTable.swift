// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Rows of cells, aligned with tabs alone, so that programs can split them at runs of tabs.
package struct TabbedTable: Sendable {
    private static let tabWidth = 8
    private var rows: [[String]] = []

    package init() {}

    /// All rows have the same number of cells. A tab or a line break within a cell becomes a blank.
    package mutating func append(_ row: [String]) {
        rows.append(
            row.map { cell in isPlain(cell) ? cell : String(cell.map { $0 == "\t" || $0.isNewline ? " " : $0 }) })
    }

    /// Whether a cell is ASCII without control characters, as nearly all are: each byte is a character.
    private func isPlain(_ cell: String) -> Bool { cell.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }

    private func width(_ cell: String) -> Int { isPlain(cell) ? cell.utf8.count : cell.count }

    /// Lines that all end in a newline; a table without rows is one empty line.
    package var text: String {
        guard let first = rows.first else { return "\n" }
        let widths = first.indices.map { column in
            // At least one blank's width between columns, rounded up to the next tab stop.
            let widest = rows.map { width($0[column]) }.max() ?? 0
            return (widest + TabbedTable.tabWidth) / TabbedTable.tabWidth * TabbedTable.tabWidth
        }
        return rows.map { line($0, widths) }.joined()
    }

    private func line(_ row: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in row.enumerated() {
            line += cell
            guard column < row.count - 1 else { break }
            let missing = widths[column] - width(cell)
            line += String(repeating: "\t", count: (missing + TabbedTable.tabWidth - 1) / TabbedTable.tabWidth)
        }
        return line + "\n"
    }
}
