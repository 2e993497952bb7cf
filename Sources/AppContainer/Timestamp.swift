// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Times as texts (RFC 3339 `date-time`), as the annotation `created` holds.
package enum Timestamp {
    /// Refuses everything but `2017-05-02T08:00:00Z` with an optional fraction and `Z` or an offset `±hh:mm`.
    package static func check(_ text: String) throws(ScalarError) {
        guard isValid(Array(text.utf8)) else {
            throw ScalarError(text, "is not a timestamp: expected one such as 2017-05-02T08:00:00Z")
        }
    }

    private static func isValid(_ bytes: [UInt8]) -> Bool {
        let pattern = Array("dddd-dd-ddTdd:dd:dd".utf8)
        guard bytes.count > pattern.count, matches(bytes[..<pattern.count], pattern) else { return false }
        let year = number(bytes[0..<4])
        let month = number(bytes[5..<7])
        let day = number(bytes[8..<10])
        guard (1...12).contains(month), (1...days(month, of: year)).contains(day), number(bytes[11..<13]) < 24,
            number(bytes[14..<16]) < 60, number(bytes[17..<19]) < 60
        else { return false }
        var rest = bytes[pattern.count...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: ASCII.isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if rest.elementsEqual("Z".utf8) { return true }
        guard let sign = rest.first, "+-".utf8.contains(sign), matches(rest.dropFirst(), Array("dd:dd".utf8)) else {
            return false
        }
        let hours = rest.dropFirst().prefix(2)
        return number(hours) < 24 && number(rest.suffix(2)) < 60
    }

    /// Whether bytes are as in a pattern in which `d` stands for any digit.
    private static func matches(_ bytes: ArraySlice<UInt8>, _ pattern: [UInt8]) -> Bool {
        bytes.count == pattern.count
            && zip(bytes, pattern).allSatisfy { $1 == UInt8(ascii: "d") ? ASCII.isDigit($0) : $0 == $1 }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func days(_ month: Int, of year: Int) -> Int {
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeapYear ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
}
