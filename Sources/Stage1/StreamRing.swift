// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The newest bytes of a stream. A byte's position is its place in all that was ever written to the stream.
package struct StreamRing {
    /// Most bytes that are kept.
    package static let standardLimit = 1 << 20
    /// Most bytes of the past for whoever comes later.
    package static let standardHistory = 64 << 10

    private let limit: Int
    private let history: Int
    /// The byte at a position is at that position modulo the limit.
    private var storage: [UInt8] = []
    /// The position after the newest byte.
    package private(set) var end = 0

    package init(limit: Int = standardLimit, history: Int = standardHistory) {
        self.limit = limit
        self.history = history
    }

    /// The position of the oldest byte that is kept.
    package var start: Int { end - storage.count }

    package mutating func append(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let offset = end % limit
            let room = storage.count < limit ? limit - storage.count : limit - offset
            let part = rest.prefix(room)
            if storage.count < limit {
                storage.append(contentsOf: part)
            } else {
                storage.replaceSubrange(offset..<offset + part.count, with: part)
            }
            end += part.count
            rest = rest.dropFirst(part.count)
        }
    }

    /// Bytes from a position on, at least one where there is one; the rest may take another call.
    package func read(from position: Int, most: Int) -> [UInt8] {
        guard position >= start, position < end, most > 0 else { return [] }
        let offset = position % limit
        return Array(storage[offset..<min(storage.count, offset + min(most, end - position))])
    }

    /// Where whoever comes now begins: at the first line that begins in the history, or where no line begins, at its
    /// oldest byte.
    package var historyStart: Int {
        let oldest = max(start, end - history)
        guard oldest > 0 else { return 0 }
        let newline = UInt8(ascii: "\n")
        // What is before the oldest byte that is kept is not known.
        for position in max(oldest, start + 1)..<max(end, start + 1)
        where storage[(position - 1) % limit] == newline { return position }
        return oldest
    }
}
