// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A journal file made byte by byte, as https://systemd.io/JOURNAL_FILE_FORMAT describes it.
struct JournalBuilder {
    var bytes = [UInt8](repeating: 0, count: 272)
    var entries: UInt64 = 0

    init(compact: Bool) {
        bytes.replaceSubrange(0..<8, with: Array("LPKSHHRH".utf8))
        put(compact ? 16 : 0, 12, 4)
        put(272, 88, 8)
    }

    mutating func put(_ value: UInt64, _ position: Int, _ width: Int) {
        for index in 0..<width { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8)) }
    }

    mutating func object(type: UInt8, _ content: [UInt8]) -> UInt64 {
        while bytes.count % 8 != 0 { bytes.append(0) }
        let position = UInt64(bytes.count)
        bytes += [type] + [UInt8](repeating: 0, count: 15) + content
        put(UInt64(16 + content.count), Int(position) + 8, 8)
        put(position, 136, 8)
        return position
    }

    mutating func entry(_ fields: [String], compact: Bool = false, at microseconds: UInt64, number: UInt64 = 0) {
        let padding = [UInt8](repeating: 0, count: compact ? 56 : 48)
        let data = fields.map { field in object(type: 1, padding + Array(field.utf8)) }
        var content = [UInt8](repeating: 0, count: 48)
        for index in 0..<8 {
            content[index] = UInt8(truncatingIfNeeded: number >> UInt64(index * 8))
            content[16 + index] = UInt8(truncatingIfNeeded: microseconds >> UInt64(index * 8))
        }
        for offset in data {
            for index in 0..<(compact ? 4 : 8) {
                content.append(UInt8(truncatingIfNeeded: offset >> UInt64(index * 8)))
            }
            if !compact { content += [UInt8](repeating: 0, count: 8) }
        }
        _ = object(type: 3, content)
        entries += 1
    }

    mutating func publish() { put(entries, 152, 8) }
}
