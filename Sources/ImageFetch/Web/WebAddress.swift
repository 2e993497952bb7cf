// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The parts of an absolute `http` or `https` URL.
package struct WebAddress: Sendable, Equatable {
    package let scheme: String
    /// `host` or `host:port` as the URL has it, in lower case.
    package let authority: String
    /// Escaped, with the slash at its beginning.
    package let path: String
    /// Escaped, without the question mark.
    package let query: String

    /// Nil for what is no such URL, and for URLs with a user: those would give a password away in messages.
    package init?(_ url: String) {
        guard let separator = url.range(of: "://") else { return nil }
        scheme = url[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = url[separator.upperBound...].prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = rest[..<end].lowercased()
        guard !authority.isEmpty, !authority.contains("@"), !authority.hasPrefix(":") else { return nil }
        let halves = rest[end...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let place = halves.first.map(String.init) ?? ""
        path = place.isEmpty ? "/" : place
        query = halves.count > 1 ? String(halves[1]) : ""
    }

    /// The host without its port.
    package var host: String {
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }
}

extension StringProtocol {
    /// The first place of a text; the standard library has this only with Foundation.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
