// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration

/// An image in a registry: `[docker://][HOST[:PORT]/]NAME[:TAG][@DIGEST]`.
package struct RegistryReference: Hashable, Sendable, CustomStringConvertible {
    /// Host with its port, if one is given.
    package let host: String
    /// Such as `library/redis`.
    package let repository: String
    /// `latest` when neither tag nor digest is given.
    package let tag: String?
    /// Counts more than the tag.
    package let digest: ContentDigest?

    /// Where images come from whose reference names no host.
    package static let defaultHost = DockerAuthConfiguration.dockerHost
    private static let aliases = DockerAuthConfiguration.dockerAliases

    package init(parsing text: String) throws(ScalarError) {
        var rest = Substring(text)
        if rest.hasPrefix("docker://") {
            rest = rest.dropFirst("docker://".count)
            // `docker:///redis` names no host.
            if rest.hasPrefix("/") { rest = rest.dropFirst() }
        }
        var digest: ContentDigest?
        if let at = rest.lastIndex(of: "@") {
            digest = try ContentDigest(parsing: String(rest[rest.index(after: at)...]))
            rest = rest[..<at]
        }
        var tag: String?
        let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[lastSlash...].lastIndex(of: ":") {
            let text = String(rest[rest.index(after: colon)...])
            try RegistryReference.check(tag: text)
            tag = text
            rest = rest[..<colon]
        }
        var host = RegistryReference.defaultHost
        var repository = rest
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first == "localhost" || first.contains(where: { ".:[".contains($0) }) {
                try RegistryReference.check(host: String(first))
                host = RegistryReference.aliases.contains(String(first)) ? RegistryReference.defaultHost : String(first)
                repository = rest[rest.index(after: slash)...]
            }
        }
        if host == RegistryReference.defaultHost, !repository.contains("/") { repository = "library/" + repository }
        try RegistryReference.check(repository: String(repository), of: text)
        self.host = host
        self.repository = String(repository)
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        self.digest = digest
    }

    /// The canonical text, without a scheme.
    package var description: String {
        "\(host)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// What the image is asked for by: the digest, else the tag.
    package var selector: String { digest?.description ?? tag ?? "latest" }

    /// The name that the image has once it is converted.
    package func imageName() throws(ScalarError) -> ACIdentifier {
        try ACIdentifier.suggest(from: "\(host)/\(repository)")
    }

    /// The label `version` that the image has once it is converted: the tag, else the digest with a hyphen.
    package var version: String { tag ?? selector.replacingColons }

    // MARK: - Rules

    private static func check(tag: String) throws(ScalarError) {
        let isWord = { (byte: UInt8) in isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
        guard let first = tag.utf8.first, isWord(first), tag.utf8.count <= 128,
            tag.utf8.allSatisfy({ isWord($0) || ".-".utf8.contains($0) })
        else {
            throw ScalarError(tag, "is not a tag: expected up to 128 letters, digits and any of _.-")
        }
    }

    private static func check(host: String) throws(ScalarError) {
        var name = Substring(host)
        if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            let port = host[host.index(after: colon)...]
            guard let number = UInt16(port), number > 0, port.utf8.allSatisfy({ isDigit($0) }) else {
                throw ScalarError(host, "is not a registry: its port is not a number from 1 to 65535")
            }
            name = host[..<colon]
        }
        let isAddress = name.hasPrefix("[") && name.hasSuffix("]")
        let allowed = isAddress ? "abcdefABCDEF.:%" : ".-"
        if isAddress { name = name.dropFirst().dropLast() }
        let isValid = name.utf8.allSatisfy {
            (isAddress ? isDigit($0) : isAlphanumeric($0)) || allowed.utf8.contains($0)
        }
        guard !name.isEmpty, name.utf8.count <= 253, isValid else {
            throw ScalarError(host, "is not a registry: expected a host name or address and perhaps a port")
        }
    }

    private static func check(repository: String, of text: String) throws(ScalarError) {
        let components = repository.split(separator: "/", omittingEmptySubsequences: false)
        let isValid = components.allSatisfy { component in
            guard let first = component.utf8.first, let last = component.utf8.last else { return false }
            return isLowerOrDigit(first) && isLowerOrDigit(last)
                && component.utf8.allSatisfy { isLowerOrDigit($0) || "._-".utf8.contains($0) }
        }
        guard isValid, repository.utf8.count <= 255 else {
            throw ScalarError(
                text,
                "is not the name of an image in a registry: expected [HOST[:PORT]/]NAME[:TAG|@DIGEST], the name of "
                    + "lower-case letters, digits and any of ._- between slashes")
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x7a).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(byte) || (0x41...0x5a).contains(byte) }
}
