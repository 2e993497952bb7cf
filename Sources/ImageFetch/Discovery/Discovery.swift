// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport

/// Finds out from an image's name where the image, its signature and the keys for it are (appc 0.8.11, discovery).
package struct Discovery: Sendable {
    private let web: WebAccess

    /// The largest page that is read.
    private static let pageLimit: Int64 = 1 << 20
    /// The most levels of a name that are asked for.
    private static let levelLimit = 32

    package init(_ web: WebAccess) {
        self.web = web
    }

    /// The places of an image, those that are reached by HTTPS first.
    ///
    /// A missing version stands for `latest`. Other labels are used as they are.
    ///
    /// - Parameter fuller: the name with further labels, for templates that cannot be filled in without them.
    package func images(for name: ImageName, orElse fuller: ImageName? = nil) throws -> [ImageEndpoint] {
        let found = try walk(name.name, "ac-discovery") { tags in
            tags.compactMap { tag in tag.endpoint(name) ?? fuller.flatMap { tag.endpoint($0) } }.filter {
                WebAddress($0.image) != nil
            }
        }
        let secure = found.filter { $0.image.lowercased().hasPrefix("https://") }
        return secure + found.filter { !secure.contains($0) }
    }

    /// The URLs of the keys that sign images with this name, or with names below it.
    package func keys(for name: ACIdentifier) throws -> [String] {
        try walk(name, "ac-discovery-pubkeys") { tags in tags.map(\.text) }
    }

    /// Asks the page of a name, then those of its parents, until one answers.
    private func walk<Item>(
        _ name: ACIdentifier, _ tagName: String, _ read: ([DiscoveryTag]) -> [Item]
    ) throws -> [Item] {
        var parts = name.string.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= Discovery.levelLimit else {
            throw RuntimeError(
                .invalidArgument,
                "name \"\(name)\" has more than \(Discovery.levelLimit) parts, which is too many for discovery")
        }
        var failures: [String] = []
        while !parts.isEmpty {
            let prefix = parts.joined(separator: "/")
            do {
                let items = read(DiscoveryTag.tags(tagName, in: try page(prefix), for: name))
                if !items.isEmpty { return items }
                web.note("meta tag '\(tagName)' not found on \(prefix)")
                failures.append("\(prefix) has no meta tag \(tagName) for it")
            } catch {
                web.note("discovery of \"\(name)\" at \(prefix) failed: \(error)")
                failures.append("\(prefix): \(error)")
            }
            parts.removeLast()
        }
        throw RuntimeError(
            .notFound, "discovery failed for \"\(name)\"",
            cause: RuntimeError(.notFound, failures.joined(separator: "; ")))
    }

    /// The page of a prefix; by plain HTTP only where that is allowed and HTTPS does not work.
    private func page(_ prefix: String) throws -> [UInt8] {
        do {
            return try page(prefix, "https")
        } catch  where web.allowsPlainHTTP {
            return try page(prefix, "http")
        }
    }

    private func page(_ prefix: String, _ scheme: String) throws -> [UInt8] {
        let url = "\(scheme)://\(prefix)?ac-discovery=1"
        let response = try web.get(url, limit: Discovery.pageLimit)
        guard response.status == 200 else {
            throw RuntimeError(.notFound, "bad HTTP status code: \(response.status)")
        }
        return response.body
    }
}
