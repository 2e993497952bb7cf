// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The value of a QEMU switch: `first,key=value,…`, where a comma within a value is doubled (qemu(1)).
package struct QEMUProperties: Sendable, Equatable {
    package private(set) var text = ""

    /// - Parameter first: the leading word that has no key, such as a device's driver.
    package init(_ first: String? = nil, _ properties: KeyValuePairs<String, String> = [:]) {
        if let first { text = Self.escaped(first) }
        for (key, value) in properties { append(key, value) }
    }

    package mutating func append(_ key: String, _ value: String) {
        text += (text.isEmpty ? "" : ",") + "\(key)=\(Self.escaped(value))"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            result.unicodeScalars.append(character)
            if character == "," { result += "," }
        }
        return result
    }
}
