// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// What is wrong at a place of a document.
package struct FormatError: Error, CustomStringConvertible {
    /// Such as `ips[0].address`; empty for the whole document.
    package let place: String
    package let reason: String

    package var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
}

/// A value in a JSON document with its place, which errors name. Keys are found whatever their case.
struct JSONField {
    /// Nil when the field is absent or null.
    let value: JSONValue?
    private let place: String

    init(_ value: JSONValue?, place: String = "") {
        self.value = value == .null ? nil : value
        self.place = place
    }

    /// A member of an object; absent when this is none.
    subscript(key: String) -> JSONField {
        JSONField(value?.value(forKey: key), place: place.isEmpty ? key : "\(place).\(key)")
    }

    func failure(_ reason: String) -> FormatError { FormatError(place: place, reason: reason) }

    /// A text without control characters; nil when it is absent or empty.
    func string(limit: Int = 4096) throws(FormatError) -> String? {
        guard let value else { return nil }
        guard let text = value.string else { throw failure("expected a string, found \(value.kindDescription)") }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw failure("must not hold control characters")
        }
        guard text.utf8.count <= limit else { throw failure("is longer than \(limit) bytes") }
        return text.isEmpty ? nil : text
    }

    /// A text that must be there and not be empty.
    func requiredString(limit: Int = 4096) throws(FormatError) -> String {
        guard let text = try string(limit: limit) else {
            throw failure(value == nil ? "is required but missing" : "must not be empty")
        }
        return text
    }

    /// A boolean, false when it is absent.
    func flag() throws(FormatError) -> Bool {
        guard let value else { return false }
        guard let flag = value.bool else { throw failure("expected true or false, found \(value.kindDescription)") }
        return flag
    }

    /// A whole number.
    func integer(_ range: ClosedRange<Int>) throws(FormatError) -> Int? {
        guard let value else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw failure("expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The elements of a list, none when it is absent.
    func elements(limit: Int) throws(FormatError) -> [JSONField] {
        guard let value else { return [] }
        guard let elements = value.array else { throw failure("expected a list, found \(value.kindDescription)") }
        guard elements.count <= limit else { throw failure("holds \(elements.count) elements, \(limit) are allowed") }
        return elements.enumerated().map { JSONField($1, place: "\(place)[\($0)]") }
    }

    /// The members of an object that may be absent.
    func object() throws(FormatError) -> JSONObject? {
        guard let value else { return nil }
        guard let object = value.object else { throw failure("expected an object, found \(value.kindDescription)") }
        return object
    }
}

/// Some other program's text as a part of one line: control characters become blanks, and a long text is cut.
func oneLine(_ text: some StringProtocol, limit: Int = 1000) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        guard line.count < limit else { return String(line) + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            if line.last != " " { line.append(" ") }
        default:
            if scalar != " " || line.last != " " { line.append(scalar) }
        }
    }
    return String(line.drop { $0 == " " }).trimmingSuffix(" ")
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        var text = self
        while text.last == character { text.removeLast() }
        return text
    }
}
