// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The command-line form of an object: `NAME,key=value,…`, where values are literal and hold no comma.
struct OptionFields {
    let name: ACName
    private var values: [String: String] = [:]

    /// Splits a text; repeated keys and keys other than those listed are refused.
    init(parsing text: String, keys: Set<String>) throws(ScalarError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        name = try ACName(parsing: String(parts[0]))
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { throw ScalarError(text, "holds \(ScalarError.quoted(part)), not key=value") }
            let key = String(pair[0])
            guard keys.contains(key) else {
                let known = keys.sorted().joined(separator: ", ")
                throw ScalarError(text, "has the unknown key \(ScalarError.quoted(key)): expected one of \(known)")
            }
            guard values.updateValue(String(pair[1]), forKey: key) == nil else {
                throw ScalarError(text, "gives \(ScalarError.quoted(key)) twice")
            }
        }
    }

    /// The value of a key.
    mutating func take(_ key: String) -> String? { values.removeValue(forKey: key) }

    /// A boolean in one of the spellings that Go's `strconv.ParseBool` takes.
    mutating func takeBool(_ key: String) throws(ScalarError) -> Bool? {
        guard let text = take(key) else { return nil }
        return try BooleanWord.parse(text, name: key)
    }

    /// A decimal number within a range.
    mutating func takeNumber(_ key: String, _ range: ClosedRange<Int>) throws(ScalarError) -> Int? {
        guard let text = take(key) else { return nil }
        guard let number: Int = ASCII.number(text), range.contains(number) else {
            throw ScalarError(
                text, "is not a \(key): expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// Spellings of booleans in texts.
package enum BooleanWord {
    /// Reads `1 t T TRUE true True` or `0 f F FALSE false False`; nil for anything else.
    package static func value(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }

    static func parse(_ text: String, name: String) throws(ScalarError) -> Bool {
        if let flag = value(text) { return flag }
        throw ScalarError(text, "is not a value of \(name): expected true or false")
    }
}
