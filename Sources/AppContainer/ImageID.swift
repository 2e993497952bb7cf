// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The identity of an image: the SHA-512 of its uncompressed tar stream.
///
/// It is held either in full (128 hexadecimal digits) or as the store's key (the first 64); the two forms of one image
/// are not equal, compare their ``key``.
package struct ImageID: Hashable, Sendable, CustomStringConvertible {
    /// `sha512-` and 128 or 64 lower-case hexadecimal digits.
    package let string: String

    private static let prefix = "sha512-"
    private static let fullLength = 128
    private static let keyLength = 64
    private static let shortLength = 12

    /// Reads a full ID or a key, digits in either case.
    package init(parsing text: String) throws(ScalarError) {
        guard text.hasPrefix(ImageID.prefix) else {
            throw ScalarError(text, "is not an image ID: it must begin with \(ImageID.prefix)")
        }
        let digits = text.utf8.dropFirst(ImageID.prefix.utf8.count)
        guard digits.allSatisfy(ASCII.isHexDigit) else {
            throw ScalarError(text, "is not an image ID: \(ImageID.prefix) must be followed by hexadecimal digits")
        }
        guard digits.count == ImageID.fullLength || digits.count == ImageID.keyLength else {
            throw ScalarError(
                text, "is not an image ID: expected \(ImageID.fullLength) hexadecimal digits, found \(digits.count)")
        }
        string = ASCII.lowercased(text)
    }

    private init(checked text: String) { string = text }

    /// The ID of a digest: 64 bytes of SHA-512.
    package init(digest: some Sequence<UInt8>) {
        let digits = ASCII.hex(digest)
        precondition(digits.utf8.count == ImageID.fullLength, "a SHA-512 digest has 64 bytes")
        string = ImageID.prefix + digits
    }

    package var description: String { string }

    /// Whether all 128 digits are known.
    package var isFull: Bool { string.utf8.count == ImageID.prefix.utf8.count + ImageID.fullLength }

    /// `sha512-` and the first 64 digits, under which the store keeps the image.
    package var key: String { head(ImageID.keyLength) }

    /// `sha512-` and the first 12 digits, as tables show it.
    package var short: String { head(ImageID.shortLength) }

    /// The same image by its key alone.
    package var keyOnly: ImageID { ImageID(checked: key) }

    /// Whether both name the same image, as far as their digits go.
    package func matches(_ other: ImageID) -> Bool {
        isFull && other.isFull ? self == other : key == other.key
    }

    private func head(_ digits: Int) -> String {
        String(decoding: string.utf8.prefix(ImageID.prefix.utf8.count + digits), as: UTF8.self)
    }
}
