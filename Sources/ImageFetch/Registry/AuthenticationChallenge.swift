// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One challenge of a `WWW-Authenticate` field (RFC 9110, section 11.6.1).
package struct AuthenticationChallenge: Equatable, Sendable {
    /// In lower case.
    package let scheme: String
    /// Keys in lower case; the first of a repeated key counts.
    package let parameters: [String: String]

    package init(scheme: String, parameters: [String: String]) {
        self.scheme = scheme
        self.parameters = parameters
    }

    /// Reads all challenges of a field; what is malformed ends the list.
    package static func parse(_ text: String) -> [AuthenticationChallenge] {
        var scanner = Scanner(text.prefix(8192))
        var challenges: [AuthenticationChallenge] = []
        var scheme: String?
        var parameters: [String: String] = [:]
        func finish() {
            if let scheme { challenges.append(AuthenticationChallenge(scheme: scheme, parameters: parameters)) }
        }
        while true {
            scanner.skip(" \t,")
            guard let word = scanner.token() else { break }
            scanner.skip(" \t")
            if scheme != nil, scanner.take("=") {
                scanner.skip(" \t")
                guard let value = scanner.value() else { break }
                if parameters[word.lowercased()] == nil { parameters[word.lowercased()] = value }
            } else {
                finish()
                scheme = word.lowercased()
                parameters = [:]
            }
        }
        finish()
        return challenges
    }

    private struct Scanner {
        private var rest: ArraySlice<UInt8>

        init(_ text: Substring) { rest = Array(text.utf8)[...] }

        mutating func skip(_ bytes: String) { rest = rest.drop { bytes.utf8.contains($0) } }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func token() -> String? {
            let token = rest.prefix { $0 > 0x20 && $0 < 0x7f && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
            rest = rest.dropFirst(token.count)
            return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
        }

        /// A token, as servers write it with further characters, or a quoted string.
        mutating func value() -> String? {
            guard take("\"") else {
                let value = rest.prefix { $0 > 0x20 && $0 != UInt8(ascii: ",") }
                rest = rest.dropFirst(value.count)
                return String(decoding: value, as: UTF8.self)
            }
            var value: [UInt8] = []
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
                if byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
                    value.append(escaped)
                } else {
                    value.append(byte)
                }
            }
            return nil
        }
    }
}
