// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport

/// What an answer says about keeping it (RFC 9111).
struct CacheRules: Equatable {
    /// Names the bytes of the answer; nil when they must not be remembered.
    let entityTag: String?
    /// For how many seconds there is no need to ask again.
    let lifetime: Int64

    /// The longest lifetime that is believed: a year.
    private static let limit: Int64 = 365 * 24 * 3600
    private static let longestTag = 1024

    init(_ response: HTTPResponse) {
        let directives: [String] = response.fields.filter { $0.name.lowercased() == "cache-control" }
            .flatMap { $0.value.lowercased().split(separator: ",") }
            .map { text in String(text.filter { character in !" \t\"".contains(character) }) }
        let tag = response["ETag"].flatMap { tag in
            tag.isEmpty || tag.utf8.count > CacheRules.longestTag || !tag.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
                ? nil : tag
        }
        guard !directives.contains("no-store") else {
            entityTag = nil
            lifetime = 0
            return
        }
        entityTag = tag
        let age = directives.first { $0.hasPrefix("max-age=") }?.dropFirst("max-age=".count)
        let isShort = directives.contains { $0 == "no-cache" || $0.hasPrefix("no-cache=") }
        lifetime = isShort ? 0 : min(max(0, age.flatMap { Int64($0) } ?? 0), CacheRules.limit)
    }
}
