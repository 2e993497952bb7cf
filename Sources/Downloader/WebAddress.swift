// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// An `http` or `https` URL in parts (RFC 3986). The fragment is left out.
package struct WebAddress: Sendable, Equatable {
    package enum Scheme: String, Sendable {
        case http, https
        var port: Int { self == .http ? 80 : 443 }
    }

    /// Why a text is no such URL.
    package struct ParseError: Error {
        package let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    static let lengthLimit = 16 << 10

    package let scheme: Scheme
    /// Lower case; an IPv6 address is in brackets.
    package let host: String
    package let port: Int
    /// Begins with a slash; has no character that a URL must not have.
    package let path: String
    package let query: String?
    /// `user:password`, decoded.
    package let credentials: String?

    /// Takes a URL apart.
    package init(_ text: String) throws(ParseError) {
        guard text.utf8.count <= Self.lengthLimit else { throw ParseError("it is longer than 16 KiB") }
        guard let end = text.firstRange(of: "://"), let scheme = Scheme(rawValue: text[..<end.lowerBound].lowercased())
        else { throw ParseError("it does not begin with https:// or http://") }
        let rest = text[end.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        try self.init(scheme, authority: authority, rest: rest[authority.endIndex...])
    }

    private init(_ scheme: Scheme, authority: Substring, rest: Substring) throws(ParseError) {
        var location = authority
        var credentials: String?
        if let at = authority.lastIndex(of: "@") {
            credentials = PercentCoding.decode(authority[..<at])
            location = authority[authority.index(after: at)...]
        }
        let host = location.hasPrefix("[") ? location.prefix { $0 != "]" } + "]" : location.prefix { $0 != ":" }
        guard host.utf8.count <= 255, Self.isHost(host.lowercased()), location.hasPrefix(host) else {
            throw ParseError("it has no valid host")
        }
        var port = scheme.port
        let tail = location.dropFirst(host.count)
        if !tail.isEmpty, tail != ":" {
            guard tail.first == ":", let number = Int(tail.dropFirst()), (1...65535).contains(number) else {
                throw ParseError("it has no valid port")
            }
            port = number
        }
        let target = rest.prefix { $0 != "#" }
        let path = target.prefix { $0 != "?" }
        guard !target.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw ParseError("it has control characters")
        }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        self.path = path.isEmpty ? "/" : PercentCoding.encode(path)
        query =
            path.endIndex < target.endIndex
            ? PercentCoding.encode(target[target.index(after: path.endIndex)...]) : nil
        self.credentials = credentials
    }

    private init(copy: WebAddress, path: String, query: String?) {
        scheme = copy.scheme
        host = copy.host
        port = copy.port
        credentials = nil
        self.path = path
        self.query = query
    }

    private static func isHost(_ host: String) -> Bool {
        if host.hasPrefix("[") {
            return host.hasSuffix("]") && host.count > 3
                && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit && $0.isASCII || $0 == ":" || $0 == "." }
        }
        return !host.isEmpty && !host.hasPrefix("-")
            && host.utf8.allSatisfy { byte in
                byte < 128 && (Character(Unicode.Scalar(byte)).isLetter || (48...57).contains(byte))
                    || [45, 46, 95].contains(byte)
            }
    }

    /// The host, and the port unless it is the scheme's own.
    var authority: String { port == scheme.port ? host : "\(host):\(port)" }

    /// The whole address without credentials.
    package var string: String { "\(scheme.rawValue)://\(authority)\(path)\(query.map { "?" + $0 } ?? "")" }

    /// For people: queries may have tokens in them.
    var stringWithoutQuery: String {
        "\(scheme.rawValue)://\(authority)\(path)\(query == nil ? "" : "?...")"
    }

    /// Whether credentials for one address may be sent to the other.
    package func isSameOrigin(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    // MARK: - References

    /// The address that a `Location` names; credentials in it are ignored.
    package func resolving(_ reference: String) throws(ParseError) -> WebAddress {
        guard reference.utf8.count <= Self.lengthLimit else { throw ParseError("it is longer than 16 KiB") }
        let text = reference.prefix { $0 != "#" }
        if text.hasPrefix("//") { return try Self("\(scheme.rawValue):\(text)").withoutCredentials }
        if let colon = text.firstIndex(of: ":"), !text[..<colon].contains(where: { "/?".contains($0) }) {
            return try Self(String(text)).withoutCredentials
        }
        let base = "\(scheme.rawValue)://\(authority)"
        if text.isEmpty { return withoutCredentials }
        if text.hasPrefix("/") { return try Self(base + text).withoutDots }
        if text.hasPrefix("?") { return try Self(base + path + text) }
        let directory = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return try Self(base + directory + text).withoutDots
    }

    private var withoutCredentials: WebAddress { WebAddress(copy: self, path: path, query: query) }

    /// RFC 3986, 5.2.4.
    private var withoutDots: WebAddress {
        var kept: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for segment in segments {
            switch segment {
            case ".": break
            case "..": _ = kept.popLast()
            default: kept.append(segment)
            }
        }
        if let last = segments.last, last == "." || last == ".." { kept.append("") }
        return WebAddress(copy: self, path: "/" + kept.joined(separator: "/"), query: query)
    }
}
