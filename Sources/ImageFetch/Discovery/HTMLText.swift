// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Texts of web pages.
enum HTMLText {
    private static let named: [String: Unicode.Scalar] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{a0}", "colon": ":", "sol": "/",
        "quest": "?", "equals": "=", "lowbar": "_", "period": ".", "lcub": "{", "rcub": "}", "lbrace": "{",
        "rbrace": "}", "num": "#", "percnt": "%", "plus": "+", "comma": ",", "Tab": "\t", "NewLine": "\n",
    ]

    /// The longest reference that is looked for, without `&` and `;`.
    private static let longest = 10

    /// The text with its character references replaced; what is none stays as it is.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "&"), let (scalar, length) = reference(rest) {
                text += Array(String(Character(scalar)).utf8)
                rest = rest.dropFirst(length)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The character that a reference stands for, and how many bytes it takes after the `&`.
    private static func reference(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        let word = bytes.prefix(longest + 1).prefix { $0 != UInt8(ascii: ";") }
        guard word.count <= longest, word.endIndex < bytes.endIndex, !word.isEmpty else { return nil }
        let text = String(decoding: word, as: UTF8.self)
        if let scalar = named[text] { return (scalar, word.count + 1) }
        guard text.hasPrefix("#") else { return nil }
        let isHexadecimal = text.dropFirst().hasPrefix("x") || text.dropFirst().hasPrefix("X")
        let digits = text.dropFirst(isHexadecimal ? 2 : 1)
        guard let number = UInt32(digits, radix: isHexadecimal ? 16 : 10), !digits.hasPrefix("+") else { return nil }
        return (number == 0 ? "\u{fffd}" : Unicode.Scalar(number) ?? "\u{fffd}", word.count + 1)
    }
}
