// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol

/// Cuts a stream of bytes in the export format into entries; holds at most one incomplete entry.
package struct ExportDecoder {
    private var buffer: [UInt8] = []
    private var start = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The next complete entry, or nil when more bytes are needed.
    ///
    /// - Throws: code `invalidState` for what is no entry, or is larger than any.
    package mutating func next() throws -> JournalEntry? {
        var entry = JournalEntry(realtime: 0, monotonic: 0, boot: [UInt8](repeating: 0, count: 16), fields: [])
        var hasTime = false
        var index = start
        while let newline = buffer[index...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = buffer[index..<newline]
            index = newline + 1
            if line.isEmpty {
                guard hasTime else { throw ExportDecoder.damaged("it has no time") }
                start = index
                return entry
            }
            let name: ArraySlice<UInt8>, value: ArraySlice<UInt8>
            if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
                (name, value) = (line[..<equals], line[(equals + 1)...])
            } else {
                guard let data = try binary(at: index) else { return nil }
                (name, value) = (line, data)
                index = data.endIndex + 1
            }
            switch String(decoding: name, as: UTF8.self) {
            case "__REALTIME_TIMESTAMP":
                entry.realtime = try ExportDecoder.number(value)
                hasTime = true
            case "__MONOTONIC_TIMESTAMP": entry.monotonic = try ExportDecoder.number(value)
            case "_BOOT_ID": entry.boot = try ExportDecoder.identifier(value)
            // Whose journal it is is known.
            case "_MACHINE_ID", "__CURSOR": break
            default:
                guard JournalEntry.isName(name), entry.fields.count < JournalEntry.mostFields else {
                    throw ExportDecoder.damaged("a field has no proper name")
                }
                entry.fields.append(name + [UInt8(ascii: "=")] + value)
            }
            guard index - start <= ExportFormat.limit else { throw ExportDecoder.damaged("it is too large") }
        }
        guard buffer.count - start <= ExportFormat.limit else { throw ExportDecoder.damaged("it is too large") }
        return nil
    }

    /// A value after its length, which a newline follows; nil when some of it is missing.
    private func binary(at index: Int) throws -> ArraySlice<UInt8>? {
        guard buffer.count - index >= 8 else { return nil }
        let count = buffer[index..<index + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count <= UInt64(ExportFormat.limit) else { throw ExportDecoder.damaged("it is too large") }
        let end = index + 8 + Int(count)
        guard buffer.count > end else { return nil }
        guard buffer[end] == UInt8(ascii: "\n") else { throw ExportDecoder.damaged("a field does not end") }
        return buffer[index + 8..<end]
    }

    private static func number(_ value: ArraySlice<UInt8>) throws -> UInt64 {
        guard let number = UInt64(String(decoding: value, as: UTF8.self)) else { throw damaged("a time is no number") }
        return number
    }

    private static func identifier(_ value: ArraySlice<UInt8>) throws -> [UInt8] {
        let digits = value.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard value.count == 32, digits.count == 32 else { throw damaged("a boot ID is none") }
        return stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private static func damaged(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidState, "an entry of the pod's journal is damaged: \(reason)")
    }
}
