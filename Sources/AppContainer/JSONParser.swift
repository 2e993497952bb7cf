// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// The deepest nesting of lists and objects that a document may have.
    package static let maximumDepth = 128
    /// The largest document that is read, in bytes.
    package static let maximumSize = 16 << 20

    /// Reads one RFC 8259 document: valid UTF-8, without byte order mark, nothing but blanks after the value.
    ///
    /// Of a repeated key the last value counts; a lone surrogate escape becomes U+FFFD. Both as Go's decoder does,
    /// since existing images were checked with it.
    package init(parsing document: some Collection<UInt8>) throws(JSONSyntaxError) {
        guard document.count <= JSONValue.maximumSize else {
            throw JSONSyntaxError("the document is larger than \(JSONValue.maximumSize) bytes", in: [], at: 0)
        }
        var parser = JSONParser(Array(document))
        self = try parser.document()
    }
}

/// A recursive-descent reader over the bytes of a document.
private struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        try checkEncoding()
        skipBlanks()
        guard position < bytes.count else { throw failure("the document is empty") }
        let value = try value()
        skipBlanks()
        guard position == bytes.count else { throw failure("unexpected \(here) after the document") }
        return value
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONValue {
        guard let first = peek else { throw failure("expected a value, found \(here)") }
        switch first {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONSyntaxError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONSyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("expected a value, found \(here)")
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONSyntaxError) -> JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        depth += 1
        guard depth <= JSONValue.maximumDepth else {
            throw failure("lists and objects are nested deeper than \(JSONValue.maximumDepth)")
        }
        position += 1
        skipBlanks()
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        var members: [JSONObject.Member] = []
        if take("}") { return .object(JSONObject()) }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw failure("expected a key in quotes, found \(here)") }
            let key = try string()
            skipBlanks()
            guard take(":") else { throw failure("expected ':' after the key, found \(here)") }
            skipBlanks()
            members.append(JSONObject.Member(key: key, value: try value()))
            skipBlanks()
            if take("}") { return .object(JSONObject(members)) }
            guard take(",") else { throw failure("expected ',' or '}' after the value, found \(here)") }
            skipBlanks()
        }
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        var elements: [JSONValue] = []
        if take("]") { return .array([]) }
        while true {
            elements.append(try value())
            skipBlanks()
            if take("]") { return .array(elements) }
            guard take(",") else { throw failure("expected ',' or ']' after the value, found \(here)") }
            skipBlanks()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            // SAFETY: the index stays below the count of the literal's code units.
            guard peek == word.utf8Start[index] else { throw failure("expected \(word), found \(here)") }
            position += 1
        }
        return value
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        _ = take("-")
        if take("0") {
            if digits() > 0 { throw failure("a number must not begin with 0", at: start) }
        } else if digits() == 0 {
            throw failure("expected a digit, found \(here)")
        }
        if take("."), digits() == 0 { throw failure("expected a digit after '.', found \(here)") }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            if digits() == 0 { throw failure("expected a digit in the exponent, found \(here)") }
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if peek == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        var text = Array(bytes[start..<position])
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                text.append(contentsOf: try escape().utf8)
            case 0..<0x20:
                throw failure("a control character in a string must be escaped")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure("the string has no closing quote")
    }

    /// The character of an escape, read from behind the backslash.
    private mutating func escape() throws(JSONSyntaxError) -> Character {
        defer { position += 1 }
        switch peek {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try unicodeEscape())
        default: throw failure("unknown escape \(here)")
        }
    }

    /// Reads `uXXXX` and, after a high surrogate, the low one; ends on the last digit.
    private mutating func unicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let unit = try hexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let mark = position
        guard UTF16.isLeadSurrogate(UInt16(unit)), position + 2 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "\\"), bytes[position + 2] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        position += 2
        let low = try hexUnit()
        guard UTF16.isTrailSurrogate(UInt16(low)) else {
            position = mark
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    /// Reads four hexadecimal digits from behind the `u` and ends on the last one.
    private mutating func hexUnit() throws(JSONSyntaxError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            position += 1
            guard let byte = peek, let digit = ASCII.hexValue(byte) else {
                throw failure("expected four hexadecimal digits after \\u, found \(here)")
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    // MARK: - Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The byte at the position, for messages.
    private var here: String {
        guard let byte = peek else { return "the end of the document" }
        guard byte > 0x20, byte < 0x7F else { return byte == 0x20 ? "a blank" : "byte 0x\(ASCII.hex([byte]))" }
        return "'\(Unicode.Scalar(byte))'"
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = peek, ASCII.isDigit(byte) { position += 1 }
        return position - start
    }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func checkEncoding() throws(JSONSyntaxError) {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw failure("the text is not valid UTF-8", at: error.byteOffsets.lowerBound)
        }
    }

    private func failure(_ reason: String, at offset: Int? = nil) -> JSONSyntaxError {
        JSONSyntaxError(reason, in: bytes, at: offset ?? position)
    }
}
