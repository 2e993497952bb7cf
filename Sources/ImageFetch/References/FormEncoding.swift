// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The escaping of texts in queries: letters, digits and `-_.~` stay, a blank becomes `+`, all else `%XX`.
enum FormEncoding {
    static func encoded(_ text: String) -> String { encoded(text, blank: "+") }

    /// The same, with blanks as `%20`.
    static func percentEncoded(_ text: String) -> String { encoded(text, blank: "%20") }

    private static func encoded(_ text: String, blank: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): result += blank
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    /// Undoes the escaping; nil when a `%` is not followed by two digits, or the result is no text.
    static func decoded(_ text: some StringProtocol, blank: Bool = true) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where blank: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
