// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A JSON document or a part of one, with the order of members and the text of numbers kept.
package indirect enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The literal as it stands in the document, since manifests must not lose digits.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The text of a string, nil for every other kind.
    package var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The value of an integer literal without fraction or exponent that fits, nil for everything else.
    package var int: Int? { if case .number(let literal) = self { JSONValue.integer(literal) } else { nil } }

    /// The value of `true` or `false`, nil for every other kind.
    package var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }

    /// The elements of an array, nil for every other kind.
    package var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// The members of an object, nil for every other kind.
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// Whether this is the literal `null`.
    package var isNull: Bool { self == .null }

    /// The member of an object by its folded key (see ``JSONObject/value(forKey:)``); nil when this is no object.
    package func value(forKey key: String) -> JSONValue? { object?.value(forKey: key) }

    /// The same as ``value(forKey:)``.
    package subscript(key: String) -> JSONValue? { value(forKey: key) }

    /// The element of an array; nil when this is no array or the index is out of range.
    package subscript(index: Int) -> JSONValue? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// The kind of value with its article, for messages: "a string", "null".
    package var kindDescription: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// Reads an integer literal strictly: an optional minus sign and digits.
    static func integer(_ literal: String) -> Int? {
        let digits = literal.utf8.drop { $0 == UInt8(ascii: "-") }
        guard !digits.isEmpty, literal.utf8.count - digits.count <= 1, digits.allSatisfy(ASCII.isDigit) else {
            return nil
        }
        return Int(literal)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .number(String(value)) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }
    /// An object with its members in the order of the literal.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }

    /// A number literal for an integer.
    package init(_ value: some BinaryInteger) { self = .number(String(value)) }
}
