// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One entry of a pod's journal: when it was taken, and its fields (systemd.journal-fields(7)).
package struct JournalEntry: Equatable, Sendable {
    /// Most fields of one entry.
    package static let mostFields = 256
    /// Most bytes of all fields, so that an entry is one frame.
    package static let limit = Frame.payloadLimit - 64
    private static let longestName = 64
    /// Where systemd's times end: its programs read no further in a stream with another one.
    private static let timeLimit: UInt64 = 1 << 55
    /// What the host says itself: a guest cannot pass for another pod.
    private static let namesOfTheHost = ["_BOOT_ID", "_MACHINE_ID"].map { Array($0.utf8) }

    /// The facility of what an app has written to its standard error, where that is told apart: `local0` (syslog(3)).
    package static let errorFacility = 16

    /// Microseconds since 1970.
    package var realtime: UInt64
    /// Microseconds of the guest's monotonic clock.
    package var monotonic: UInt64
    /// The 16 bytes of the guest's boot ID.
    package var boot: [UInt8]
    /// `NAME=value` each, in order; a name may occur again. Values are bytes.
    package var fields: [[UInt8]]

    package init(realtime: UInt64, monotonic: UInt64, boot: [UInt8], fields: [[UInt8]]) {
        self.realtime = realtime
        self.monotonic = monotonic
        self.boot = boot
        self.fields = fields
    }

    /// The value of the first field with this name.
    package func value(of name: String) -> ArraySlice<UInt8>? {
        let name = name.utf8
        let field = fields.first {
            $0.count > name.count && $0[name.count] == UInt8(ascii: "=") && $0.starts(with: name)
        }
        return field?.dropFirst(name.count + 1)
    }

    /// The same as text; what is not UTF-8 is replaced.
    package func text(of name: String) -> String? { value(of: name).map { String(decoding: $0, as: UTF8.self) } }

    /// The app that logged this: by its unit, or by its identifier where journald has no unit, as the process that
    /// logged had ended before journald could look.
    package func app(among names: Set<String>) -> String? {
        let name = text(of: "_SYSTEMD_UNIT").map { $0.hasSuffix(".service") ? String($0.dropLast(8)) : "" }
        return (name ?? text(of: "SYSLOG_IDENTIFIER")).flatMap { names.contains($0) ? $0 : nil }
    }

    /// Whether a field may have this name: capital letters, digits and underscores, as journald wants it.
    package static func isName(_ name: some Collection<UInt8>) -> Bool {
        guard let first = name.first, name.count <= longestName, !(48...57).contains(first) else { return false }
        guard !name.starts(with: "__".utf8), !namesOfTheHost.contains(where: { $0.elementsEqual(name) }) else {
            return false
        }
        return name.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
    }

    /// The entry in so few bytes that it can be sent: fields without a proper name are left out, and then large ones,
    /// but a message is cut.
    package func fitted() -> JournalEntry {
        var entry = self
        entry.fields = fields.filter { JournalEntry.isName($0.prefix { $0 != UInt8(ascii: "=") }) }
        if entry.fields.count > JournalEntry.mostFields { entry.fields.removeSubrange(JournalEntry.mostFields...) }
        guard entry.fields.reduce(0, { $0 + $1.count + 4 }) > JournalEntry.limit else { return entry }
        var room = JournalEntry.limit
        var kept: [(Int, [UInt8])] = []
        for (index, field) in entry.fields.enumerated().sorted(by: { $0.element.count < $1.element.count }) {
            if field.count + 4 <= room {
                kept.append((index, field))
            } else if field.starts(with: "MESSAGE=".utf8), room > 64 {
                var end = room - 4
                // Not inside a character.
                while end > 8, field[end] & 0xC0 == 0x80 { end -= 1 }
                kept.append((index, Array(field[..<end])))
            } else {
                continue
            }
            room -= kept[kept.count - 1].1.count + 4
        }
        entry.fields = kept.sorted { $0.0 < $1.0 }.map(\.1)
        return entry
    }

    func write(to writer: inout FieldWriter) {
        writer.write(realtime)
        writer.write(monotonic)
        writer.write(boot)
        writer.write(list: fields) { $0.write($1) }
    }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        realtime = try reader.readUInt64()
        monotonic = try reader.readUInt64()
        guard realtime > 0, max(realtime, monotonic) < JournalEntry.timeLimit else {
            throw .malformed("a time that no clock has")
        }
        boot = try reader.readBytes()
        guard boot.count == 16 else { throw .malformed("a boot ID of \(boot.count) bytes") }
        fields = try reader.readList { reader throws(ProtocolError) in try reader.readBytes() }
        guard fields.count <= JournalEntry.mostFields else { throw .malformed("\(fields.count) fields in one entry") }
        for field in fields {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")), JournalEntry.isName(field[..<equals]) else {
                throw .malformed("a field of the journal without a proper name")
            }
        }
    }
}
