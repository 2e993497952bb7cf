// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a user asks for: `name[:version][,label=value]…`.
package struct ImageName: Hashable, Sendable, CustomStringConvertible {
    package let name: ACIdentifier
    /// All that was asked for, the version included; `os` and `arch` are not checked here.
    package let labels: Labels

    package init(name: ACIdentifier, labels: Labels = []) {
        self.name = name
        self.labels = labels
    }

    /// Splits the text; the version becomes the label `version`.
    package init(parsing text: String) throws(ScalarError) {
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        guard colons <= 1 else { throw ScalarError(text, "is not an image name: it holds more than one ':'") }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard !parts.dropFirst().contains(where: { $0.utf8.contains(UInt8(ascii: ":")) }) else {
            throw ScalarError(text, "is not an image name: the version must come before the first ','")
        }
        let head = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = try ACIdentifier(parsing: String(head[0]))
        var labels = Labels()
        if head.count > 1 { labels.set("version", String(head[1])) }
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else {
                throw ScalarError(text, "is not an image name: expected label=value, found \(ScalarError.quoted(part))")
            }
            let key = try ACIdentifier(parsing: try ImageName.formDecoded(pair[0]))
            guard key != "name", labels[key.string] == nil else {
                throw ScalarError(text, "is not an image name: \(ScalarError.quoted(key.string)) is given twice")
            }
            labels.set(key, String(pair[1]))
        }
        self.labels = labels
    }

    /// The version asked for; an empty one counts as absent.
    package var version: String? { labels["version"].flatMap { $0.isEmpty ? nil : $0 } }

    /// `name:version`, then the other labels: `os`, `arch`, the rest by name.
    package var description: String {
        let rest = labels.filter { !["version", "os", "arch"].contains($0.name.string) }
            .sorted { $0.name.string < $1.name.string }
        let ordered = ["os", "arch"].compactMap { key in labels.first { $0.name.string == key } } + rest
        return name.string + (labels["version"].map { ":" + $0 } ?? "")
            + ordered.map { ",\($0.name)=\($0.value)" }.joined()
    }

    /// Whether an image with this name and these labels is one that was asked for; labels not asked for do not matter.
    package func matches(name: ACIdentifier, labels: Labels) -> Bool {
        name == self.name
            && self.labels.allSatisfy { label in
                if label.name == "version", label.value.isEmpty { return true }
                return labels[label.name.string] == label.value
            }
    }

    /// Undoes `+` and `%XX` as in form data.
    private static func formDecoded(_ text: Substring) throws(ScalarError) -> String {
        var result: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): result.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(ASCII.hexValue),
                    let low = rest.popFirst().flatMap(ASCII.hexValue)
                else {
                    throw ScalarError(String(text), "is not a label name: '%' must be followed by two hex digits")
                }
                result.append(high << 4 | low)
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
