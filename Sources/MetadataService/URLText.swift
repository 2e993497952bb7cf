// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The coding of URLs and of forms (RFC 3986, `application/x-www-form-urlencoded`).
package enum URLText {
    /// The bytes that a text stands for; nil when an escape is cut or has other digits than hexadecimal ones.
    ///
    /// - Parameter isForm: whether `+` stands for a blank.
    package static func decode(_ text: some Collection<UInt8>, isForm: Bool = false) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where isForm: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// The same for texts; nil also when the bytes are not UTF-8.
    package static func decode(_ text: some StringProtocol, isForm: Bool = false) -> String? {
        decode(Array(text.utf8), isForm: isForm).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Lower-case hexadecimal digits.
    package static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

/// Reads a form: names with values that are bytes of any kind.
package struct FormDecoder {
    private var fields: [(name: String, value: [UInt8])] = []
    /// More fields than any request has.
    private static let limit = 128

    /// - Returns: nil when it cannot be decoded.
    package init?(_ body: some Collection<UInt8>) {
        for part in body.split(separator: UInt8(ascii: "&")) {
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard fields.count < FormDecoder.limit, let name = URLText.decode(pair[0], isForm: true),
                let value = pair.count == 2 ? URLText.decode(pair[1], isForm: true) : []
            else { return nil }
            fields.append((String(decoding: name, as: UTF8.self), value))
        }
    }

    /// The value of the first field of a name.
    package func first(_ name: String) -> [UInt8]? { fields.first { $0.name == name }?.value }

    /// The first value as text; nil also when it is not UTF-8.
    package func text(_ name: String) -> String? {
        first(name).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// All values of a name, as texts.
    package func texts(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// The names that stand in it.
    package var names: Set<String> { Set(fields.map(\.name)) }
}
