// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import SystemPackage

/// The images that a key may sign.
package enum KeyScope: Hashable, Sendable {
    /// All of them.
    case root
    /// Those whose name is the prefix, or the prefix and `/` and more.
    case prefix(ACIdentifier)

    /// Where the scope's keys lie below `trustedkeys`; nil for a prefix that does not name a directory below its own.
    var directory: FilePath? {
        switch self {
        case .root: return "root.d"
        case .prefix(let prefix):
            let parts = prefix.string.split(separator: "/", omittingEmptySubsequences: false)
            // An identifier has dots and slashes, so it may look like a way out.
            guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return nil }
            return FilePath("prefix.d").pushing(FilePath(prefix.string))
        }
    }

    /// The scopes that an image's name lies in, the widest first.
    static func containing(_ name: ACIdentifier) -> [KeyScope] {
        let ends = name.string.indices.filter { name.string[$0] == "/" } + [name.string.endIndex]
        let scopes = ends.compactMap { end in
            (try? ACIdentifier(parsing: String(name.string[..<end]))).map { KeyScope.prefix($0) }
        }
        // A name that is no path in good order lies nowhere.
        guard KeyScope.prefix(name).directory != nil else { return [.root] }
        return [.root] + scopes
    }
}
