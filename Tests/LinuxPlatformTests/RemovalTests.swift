// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct RemovalTests {
    @Test func removesNamesThatAreNotText() throws {
        let scratch = try ScratchDirectory()
        let tree = scratch.appending("tree")
        try FileSystem.makeDirectories(tree.appending("a/b"))
        // Bytes that no UTF-8 text has.
        let directory = try #require("\(tree)/a/b".withCString { opendir($0) })
        let name: [CChar] = [-1, -2, 65, 0]
        let file = openat(dirfd(directory), name, O_CREAT | O_WRONLY, 0o600)
        #expect(file >= 0)
        close(file)
        closedir(directory)
        try FileSystem.removeTree(tree)
        #expect(!FileSystem.exists(tree))
    }

    /// Deeper than a path can say, and than a process may hold descriptors.
    @Test func removesWhatIsNestedDeep() throws {
        let scratch = try ScratchDirectory()
        let tree = scratch.appending("tree")
        try FileSystem.makeDirectories(tree)
        var directory = open(tree.string, O_RDONLY | O_DIRECTORY)
        for level in 0..<5000 {
            try #require(mkdirat(directory, "d", 0o700) == 0 && directory >= 0)
            if level % 100 == 0 { close(openat(directory, ".removed-\(level / 100)", O_CREAT | O_WRONLY, 0o600)) }
            let next = openat(directory, "d", O_RDONLY | O_DIRECTORY)
            close(directory)
            directory = next
        }
        close(directory)
        try FileSystem.removeTree(tree)
        #expect(!FileSystem.exists(tree))
    }

    @Test func removesLinksWithoutFollowingThem() throws {
        let scratch = try ScratchDirectory()
        let kept = scratch.appending("kept")
        try FileSystem.write(Array("x".utf8), to: kept)
        try FileSystem.makeDirectories(scratch.appending("tree/sub"))
        try FileSystem.makeSymbolicLink(to: scratch.path.string, at: scratch.appending("tree/up"))
        try FileSystem.makeSymbolicLink(to: kept.string, at: scratch.appending("tree/sub/file"))
        try FileSystem.removeTree(scratch.appending("tree"))
        #expect(FileSystem.exists(kept))
        #expect(!FileSystem.exists(scratch.appending("tree")))
    }

    @Test func aMissingPathIsFineAndTheRootIsRefused() throws {
        let scratch = try ScratchDirectory()
        try FileSystem.removeTree(scratch.appending("none/at/all"))
        #expect(throws: (any Error).self) { try FileSystem.removeTree("/") }
        #expect(throws: (any Error).self) { try FileSystem.removeTree("..") }
    }
}
