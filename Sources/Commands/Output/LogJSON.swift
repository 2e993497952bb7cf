// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import PodJournal

/// An entry of a pod's journal for programs, in the manner of `journalctl --output=json`.
package enum LogJSON {
    /// One line with all fields: strings, or arrays of bytes for what is not printable. The values of a field that
    /// occurs again are an array.
    package static func object(_ entry: JournalEntry, machineID: String) -> String {
        var object = JSONObject()
        object.set("__REALTIME_TIMESTAMP", .string("\(entry.realtime)"))
        object.set("__MONOTONIC_TIMESTAMP", .string("\(entry.monotonic)"))
        object.set("_BOOT_ID", .string(ExportFormat.hex(entry.boot)))
        object.set("_MACHINE_ID", .string(machineID))
        var names: [String] = []
        var values: [String: [JSONValue]] = [:]
        for field in entry.fields {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: field[..<equals], as: UTF8.self)
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value(field[(equals + 1)...]))
        }
        for name in names {
            guard let all = values[name], let first = all.first else { continue }
            object.set(name, all.count == 1 ? first : .array(all))
        }
        return JSONValue.object(object).encoded(pretty: false)
    }

    private static func value(_ bytes: ArraySlice<UInt8>) -> JSONValue {
        if let text = String(validating: bytes, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0 == "\n" || PrintableText.isPrintable($0) })
        {
            return .string(text)
        }
        return .array(bytes.map { .number("\($0)") })
    }
}
