// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// Where an image and its signature are, as a page says.
package struct ImageEndpoint: Sendable, Equatable {
    package let image: String
    package let signature: String

    package init(image: String, signature: String) {
        self.image = image
        self.signature = signature
    }
}

/// What a tag of a discovery page says: for names that begin with a prefix, a template or a URL.
struct DiscoveryTag: Equatable {
    let prefix: String
    let text: String

    /// The longest template, in bytes.
    private static let limit = 4096

    /// Reads the content of a tag: all up to the first blank is the prefix, all after it the template.
    init?(content: String) {
        let content = DiscoveryTag.trimmed(content[...])
        let prefix = DiscoveryTag.trimmed(content.prefix { $0 != " " })
        let text = DiscoveryTag.trimmed(content.dropFirst(content.prefix { $0 != " " }.count))
        guard !prefix.isEmpty, !text.isEmpty, text.utf8.count <= DiscoveryTag.limit else { return nil }
        self.prefix = String(prefix)
        self.text = String(text)
    }

    /// The tags of a page with this name that are for an image.
    static func tags(_ name: String, in page: [UInt8], for image: ACIdentifier) -> [DiscoveryTag] {
        MetaScanner.tags(in: page, prefix: "ac-").filter { $0.name == name }
            .compactMap { DiscoveryTag(content: $0.content) }.filter { image.string.hasPrefix($0.prefix) }
    }

    /// The template with everything filled in; nil when something stays open.
    func endpoint(_ name: ImageName) -> ImageEndpoint? {
        var text = DiscoveryTag.replace("name", name.name.string, in: self.text)
        var labels = name.labels
        if name.version == nil { labels.set("version", "latest") }
        for label in labels { text = DiscoveryTag.replace(label.name.string, label.value, in: text) }
        let image = DiscoveryTag.replace("ext", "aci", in: text)
        let signature = DiscoveryTag.replace("ext", "aci.asc", in: text)
        guard !DiscoveryTag.isOpen(image), !DiscoveryTag.isOpen(signature) else { return nil }
        return ImageEndpoint(image: image, signature: signature)
    }

    private static func replace(_ field: String, _ value: String, in text: String) -> String {
        let parts = text.split(separator: "{\(field)}", omittingEmptySubsequences: false)
        return parts.joined(separator: value)
    }

    /// Whether an opening brace is followed by a closing one somewhere.
    private static func isOpen(_ text: String) -> Bool {
        guard let brace = text.firstIndex(of: "{") else { return false }
        return text[brace...].contains("}")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop(while: \.isWhitespace)
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return head[...last]
    }
}
