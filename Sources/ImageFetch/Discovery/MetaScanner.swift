// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A `meta` tag of a page.
struct MetaTag: Equatable {
    let name: String
    let content: String
}

/// Finds the `meta` tags of a page without minding how well-formed the rest of it is.
///
/// Comments, scripts, styles and other text that is not looked into by browsers is passed over. The time it takes
/// grows with the page's size and with nothing else.
struct MetaScanner {
    private let page: [UInt8]
    private var place = 0

    /// The most tags that a page may give.
    private static let limit = 256

    /// Elements whose contents are text.
    private static let opaque: Set<String> = [
        "script", "style", "title", "textarea", "noscript", "iframe", "noframes", "noembed", "xmp",
    ]

    private init(_ page: [UInt8]) { self.page = page }

    /// The tags whose names begin with a prefix, in the page's order.
    static func tags(in page: [UInt8], prefix: String) -> [MetaTag] {
        var scanner = MetaScanner(page)
        var tags: [MetaTag] = []
        while tags.count < limit, let element = scanner.nextElement() {
            guard element.name == "meta", let name = element.attributes["name"], name.hasPrefix(prefix),
                let content = element.attributes["content"]
            else { continue }
            tags.append(MetaTag(name: name, content: content))
        }
        return tags
    }

    // MARK: - Elements

    private struct Element {
        let name: String
        var attributes: [String: String] = [:]
    }

    /// The next start tag, the contents of an element that holds text passed over.
    private mutating func nextElement() -> Element? {
        while let start = page[place...].firstIndex(of: UInt8(ascii: "<")) {
            place = start + 1
            guard let next = peek else { return nil }
            if next == UInt8(ascii: "!") || next == UInt8(ascii: "?") || next == UInt8(ascii: "/") {
                skipMarkup()
            } else if MetaScanner.isLetter(next) {
                let element = readElement()
                if element.name == "plaintext" { place = page.count }
                if MetaScanner.opaque.contains(element.name) { skipText(until: element.name) }
                return element
            }
        }
        return nil
    }

    /// Passes over a comment, a declaration or an end tag.
    private mutating func skipMarkup() {
        if page[place...].starts(with: "!--".utf8) {
            place += 3
            // `<!-->` and `<!--->` are whole comments.
            if peek == UInt8(ascii: ">") || page[place...].starts(with: "->".utf8) {
                place = (page[place...].firstIndex(of: UInt8(ascii: ">")) ?? page.count - 1) + 1
                return
            }
            while let dash = page[place...].firstIndex(of: UInt8(ascii: "-")) {
                if page[dash...].starts(with: "-->".utf8) {
                    place = dash + 3
                    return
                }
                place = dash + 1
            }
            place = page.count
        } else {
            place = (page[place...].firstIndex(of: UInt8(ascii: ">")) ?? page.count - 1) + 1
        }
    }

    /// Passes over an element's text up to its end tag.
    private mutating func skipText(until name: String) {
        while let start = page[place...].firstIndex(of: UInt8(ascii: "<")) {
            place = start + 1
            guard peek == UInt8(ascii: "/") else { continue }
            let word = page[(start + 2)...].prefix(name.utf8.count)
            let after = start + 2 + name.utf8.count
            guard MetaScanner.lowercased(word) == name, after < page.count, MetaScanner.endsName(page[after]) else {
                continue
            }
            place = after
            return
        }
        place = page.count
    }

    private mutating func readElement() -> Element {
        var element = Element(name: MetaScanner.lowercased(take { !MetaScanner.endsName($0) }))
        while let byte = peek {
            if byte == UInt8(ascii: ">") {
                place += 1
                return element
            }
            if MetaScanner.isBlank(byte) || byte == UInt8(ascii: "/") {
                place += 1
                continue
            }
            // An equals sign may begin a name, and is then a part of it.
            let first = page[place]
            place += 1
            let rest = take { !MetaScanner.endsName($0) && $0 != UInt8(ascii: "=") }
            let name = MetaScanner.lowercased([first]) + MetaScanner.lowercased(rest)
            let value = readValue()
            // Of a repeated attribute the first counts.
            if element.name == "meta", element.attributes[name] == nil {
                element.attributes[name] = HTMLText.decoded(value)
            }
        }
        return Element(name: "")
    }

    private mutating func readValue() -> ArraySlice<UInt8> {
        let mark = place
        _ = take(while: MetaScanner.isBlank)
        guard peek == UInt8(ascii: "=") else {
            place = mark
            return []
        }
        place += 1
        _ = take(while: MetaScanner.isBlank)
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            return take { !MetaScanner.isBlank($0) && $0 != UInt8(ascii: ">") }
        }
        place += 1
        let value = take { $0 != quote }
        place = min(place + 1, page.count)
        return value
    }

    // MARK: - Bytes

    private var peek: UInt8? { place < page.count ? page[place] : nil }

    private mutating func take(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let taken = page[place...].prefix(while: condition)
        place = taken.endIndex
        return taken
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0c || byte == 0x0d
    }

    private static func endsName(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func lowercased(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self)
    }
}
