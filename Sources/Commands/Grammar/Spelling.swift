// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Finds what a mistyped word may have meant.
package enum Spelling {
    /// The candidate that the fewest edits lead to, if few enough do: a third of the word's letters.
    package static func nearest(to word: String, in candidates: [String]) -> String? {
        let allowed = max(1, word.count / 3)
        return candidates.map { (candidate: $0, edits: edits(from: word, to: $0)) }
            .filter { $0.edits <= allowed }
            .min { $0.edits < $1.edits }?.candidate
    }

    /// The number of letters to insert, leave out, replace, or swap with their neighbour.
    package static func edits(from source: String, to target: String) -> Int {
        let source = Array(source.utf8)
        let target = Array(target.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...target.count)
        for (row, letter) in source.enumerated() {
            var current = [row + 1]
            for (column, other) in target.enumerated() {
                var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == target[column - 1], source[row - 1] == other {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[target.count]
    }
}
