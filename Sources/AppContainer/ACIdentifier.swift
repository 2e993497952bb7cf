// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A name of an image, label, annotation or isolator, such as `example.com/shop/web`.
///
/// Reading accepts what existing images contain: lower-case letters, digits and `-._~/`, a letter or digit at both
/// ends. New names should also be ``isCanonical``.
package struct ACIdentifier: Hashable, Sendable, CustomStringConvertible {
    /// The name as text.
    package let string: String

    package init(parsing text: String) throws(ScalarError) {
        let allowed = "lower-case letters, digits and any of -._~/"
        try checkName(text, kind: "an AC identifier", allowed: allowed, isSeparator: ACIdentifier.isSeparator)
        string = text
    }

    package var description: String { string }

    /// Whether separators stand alone (`a-b`, not `a--b`), as the specification's pattern demands.
    package var isCanonical: Bool { separatorsStandAlone(string) }

    /// The last component between slashes.
    package var lastComponent: Substring { string.split(separator: "/").last ?? Substring(string) }

    /// A valid identifier resembling a text: lower case, each bad character as `_`, no separators at the ends.
    package static func suggest(from text: String) throws(ScalarError) -> ACIdentifier {
        let replaced = replacing(in: text, with: UInt8(ascii: "_"), isSeparator: isSeparator)
        let trimmed = trimming(replaced, where: isSeparator)
        guard !trimmed.isEmpty else { throw ScalarError(text, "holds nothing an AC identifier could be made of") }
        return try ACIdentifier(parsing: String(decoding: trimmed, as: UTF8.self))
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { "-._~/".utf8.contains(byte) }
}

/// A name of an app in a pod, of a volume, a mount point or a port, such as `log-shipper`.
package struct ACName: Hashable, Sendable, CustomStringConvertible {
    /// The name as text.
    package let string: String

    package init(parsing text: String) throws(ScalarError) {
        let allowed = "lower-case letters, digits and -"
        try checkName(text, kind: "an AC name", allowed: allowed, isSeparator: ACName.isSeparator)
        string = text
    }

    package var description: String { string }

    /// Whether hyphens stand alone (`a-b`, not `a--b`), as the specification's pattern demands.
    package var isCanonical: Bool { separatorsStandAlone(string) }

    /// A valid name resembling a text: lower case, each bad character as `-`, no hyphens at the ends.
    package static func suggest(from text: String) throws(ScalarError) -> ACName {
        let replaced = replacing(in: text, with: UInt8(ascii: "-"), isSeparator: isSeparator)
        let trimmed = trimming(replaced, where: isSeparator)
        guard !trimmed.isEmpty else { throw ScalarError(text, "holds nothing an AC name could be made of") }
        return try ACName(parsing: String(decoding: trimmed, as: UTF8.self))
    }

    /// The default name of an app that runs an image: from the last component of the image's name.
    package static func suggest(forImage name: ACIdentifier) throws(ScalarError) -> ACName {
        try suggest(from: String(name.lastComponent))
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") }
}

extension ACIdentifier: ExpressibleByStringLiteral {
    /// A name written in code; it must be valid.
    package init(stringLiteral value: String) {
        precondition((try? ACIdentifier(parsing: value)) != nil, "\(value) is not an AC identifier")
        string = value
    }
}

extension ACName: ExpressibleByStringLiteral {
    /// A name written in code; it must be valid.
    package init(stringLiteral value: String) {
        precondition((try? ACName(parsing: value)) != nil, "\(value) is not an AC name")
        string = value
    }
}

// MARK: - Alphabet

private func isAlphanumeric(_ byte: UInt8) -> Bool { ASCII.isLower(byte) || ASCII.isDigit(byte) }

private func checkName(
    _ text: String, kind: String, allowed: String, isSeparator: (UInt8) -> Bool
) throws(ScalarError) {
    guard let first = text.utf8.first, let last = text.utf8.last else {
        throw ScalarError(text, "is not \(kind): it is empty")
    }
    guard text.utf8.allSatisfy({ isAlphanumeric($0) || isSeparator($0) }) else {
        throw ScalarError(text, "is not \(kind): it may hold only \(allowed)")
    }
    guard isAlphanumeric(first), isAlphanumeric(last) else {
        throw ScalarError(text, "is not \(kind): it must begin and end with a letter or digit")
    }
}

private func separatorsStandAlone(_ text: String) -> Bool {
    !zip(text.utf8, text.utf8.dropFirst()).contains { !isAlphanumeric($0) && !isAlphanumeric($1) }
}

private func replacing(in text: String, with replacement: UInt8, isSeparator: (UInt8) -> Bool) -> [UInt8] {
    text.lowercased().unicodeScalars.map { scalar in
        guard scalar.isASCII else { return replacement }
        let byte = UInt8(ascii: scalar)
        return isAlphanumeric(byte) || isSeparator(byte) ? byte : replacement
    }
}

private func trimming(_ bytes: [UInt8], where isSeparator: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let head = bytes.drop(while: isSeparator)
    guard let last = head.lastIndex(where: { !isSeparator($0) }) else { return [] }
    return head[...last]
}
