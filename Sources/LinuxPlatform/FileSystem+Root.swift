// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

extension FilePath {
    /// A path in a root directory: absolute, without `.`, `..` and doubled slashes; `..` ends at the root.
    package init(inRoot path: String) {
        self = FilePath("/").pushing(FilePath(String(path.drop { $0 == "/" }))).lexicallyNormalized()
    }
}

extension FileSystem {
    /// As many as the kernel follows (path_resolution(7)).
    private static let mostLinks = 40

    /// Where a path leads in a root directory: symbolic links are followed and end at the root, what does not exist is
    /// kept as it is. The tree must not change meanwhile.
    package static func place(of path: FilePath, inRoot root: FilePath) throws -> FilePath {
        var rest = Array(path.components.map(\.string).reversed())
        var place = FilePath("/")
        var links = 0
        while let name = rest.popLast() {
            guard name != "." else { continue }
            guard name != ".." else {
                place.removeLastComponent()
                continue
            }
            let next = place.appending(name)
            // What has been passed so far has no links: this looks nowhere outside of the root.
            guard let target = try? readSymbolicLink(root.pushing(FilePath(String(next.string.dropFirst())))) else {
                place = next
                continue
            }
            links += 1
            guard links <= mostLinks else {
                throw RuntimeError(.invalidArgument, "\(path) leads through more than \(mostLinks) symbolic links")
            }
            if target.hasPrefix("/") { place = "/" }
            rest += FilePath(target).components.map(\.string).reversed()
        }
        return place
    }
}
