// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Rendering of images over each other: the fixtures of the specification's reference renderer and a few more.
struct DependencyRenderingTests {
    let fixture: ArchiveFixture

    init() throws { fixture = try ArchiveFixture() }

    private func image(_ build: (inout TarFixture) -> Void) -> TarFixture {
        var tar = TarFixture.image()
        build(&tar)
        return tar
    }

    /// Renders and lists everything below `rootfs`.
    private func rendered(_ layers: [ArchiveFixture.Layer]) throws -> (root: FilePath, names: [String]) {
        let root: FilePath = (try fixture.render(layers) as FilePath).appending("rootfs")
        func names(_ path: FilePath, _ prefix: String) throws -> [String] {
            try FileSystem.list(path).flatMap { name in
                let isDirectory = try FileSystem.status(path.appending(name)).type == .directory
                return [prefix + name] + (isDirectory ? try names(path.appending(name), prefix + name + "/") : [])
            }
        }
        return (root, try names(root, ""))
    }

    @Test func theUpperDirectorysEntryWinsAndContentsMerge() throws {
        let upper = image {
            $0.add("rootfs/a", .directory, mode: 0o700)
            $0.add("rootfs/a/upper", "u")
            $0.add("rootfs/both", "upper")
        }
        let lower = image {
            $0.add("rootfs/a", .directory, mode: 0o755)
            $0.add("rootfs/a/lower", "l")
            $0.add("rootfs/both", "lower")
        }
        let (root, names) = try rendered([.init(tar: upper), .init(tar: lower)])
        #expect(names == ["a", "a/lower", "a/upper", "both"])
        #expect(try FileSystem.status(root.appending("a")).mode == 0o700)
        #expect(try FileSystem.readText(root.appending("both")) == "upper")
    }

    @Test func aFileHidesADirectoryAndTheOtherWayRound() throws {
        let upper = image {
            $0.add("rootfs/a/b", "file")
            $0.add("rootfs/d", .directory, mode: 0o711)
        }
        let lower = image {
            $0.add("rootfs/a", .directory, mode: 0o710)
            $0.add("rootfs/a/b", .directory)
            $0.add("rootfs/a/b/c", .directory)
            $0.add("rootfs/a/b/c/file", "hidden")
            $0.add("rootfs/d", "hidden")
        }
        let (root, names) = try rendered([.init(tar: upper), .init(tar: lower)])
        #expect(names == ["a", "a/b", "d"])
        #expect(try FileSystem.readText(root.appending("a/b")) == "file")
        // The upper image had no entry for it.
        #expect(try FileSystem.status(root.appending("a")).mode == 0o710)
        #expect(try FileSystem.status(root.appending("d")).mode == 0o711)
    }

    @Test func theImagesOwnRootEntryWins() throws {
        var upper = TarFixture()
        upper.add("manifest", TarFixture.manifest())
        upper.add("rootfs/file", "x")
        upper.add("rootfs", .directory, mode: 0o711)
        let (root, _) = try rendered([.init(tar: upper), .init(tar: image { _ in })])
        #expect(try FileSystem.status(root).mode == 0o711)
    }

    @Test func aParentThatIsOnlyImpliedStaysADirectory() throws {
        let upper = image { $0.add("rootfs/b/f", "upper") }
        let lower = image {
            $0.add("rootfs/b", .symbolicLink, link: "/etc")
            $0.add("rootfs/b/g", "dropped")
        }
        let (root, names) = try rendered([.init(tar: upper), .init(tar: lower)])
        #expect(try FileSystem.status(root.appending("b")).type == .directory)
        #expect(names == ["b", "b/f", "b/g"])
    }

    @Test func anImagesOwnListFiltersItsFilesButNotItsDirectories() throws {
        let lower = image {
            $0.add("rootfs/a", .directory)
            $0.add("rootfs/a/f1", "1")
            $0.add("rootfs/a/f3", "3")
            $0.add("rootfs/c", .directory, mode: 0o700)
            $0.add("rootfs/c/x", "x")
        }
        let (root, names) = try rendered([
            .init(tar: image { _ in }), .init(tar: lower, whitelist: ["/a/f1", "/c/"]),
        ])
        #expect(names == ["a", "a/f1", "c"])
        #expect(try FileSystem.status(root.appending("c")).mode == 0o700)
    }

    @Test func aDependantsListFiltersDirectoriesToo() throws {
        let list = ["/c/f2", "/d/"]
        let lower = image {
            $0.add("rootfs/c", .directory, mode: 0o700)
            $0.add("rootfs/c/f1", "1")
            $0.add("rootfs/d", .directory, mode: 0o700)
            $0.add("rootfs/d/f", "x")
        }
        let upper = image { $0.add("rootfs/c/f2", "2") }
        let (root, names) = try rendered([
            .init(tar: upper, whitelist: list), .init(tar: lower, inherited: [list]),
        ])
        #expect(names == ["c", "c/f2", "d"])
        #expect(try FileSystem.status(root.appending("c")).mode == 0o755)
        #expect(try FileSystem.status(root.appending("d")).mode == 0o700)
    }

    @Test func everyAncestorsListApplies() throws {
        let lower = image {
            $0.add("rootfs/b", "b")
            $0.add("rootfs/c", "c")
            $0.add("rootfs/both", "x")
        }
        let (_, names) = try rendered([
            .init(tar: image { _ in }), .init(tar: lower, inherited: [["/b", "/both"], ["/c", "both"]]),
        ])
        #expect(names == ["both"])
    }

    @Test func anEmptyImageWithAListRenders() throws {
        let tree: FilePath = try fixture.render([.init(tar: image { _ in }, whitelist: ["foo"])])
        #expect(try FileSystem.list(tree) == ["manifest", "rootfs"])
    }

    @Test func aLinkWhoseTargetIsHiddenGetsTheTargetsData() throws {
        let upper = image { $0.add("rootfs/target", "upper") }
        let lower = image {
            $0.add("rootfs/target", "lower", mode: 0o600)
            $0.add("rootfs/link1", .hardLink, link: "rootfs/target")
            $0.add("rootfs/link2", .hardLink, link: "rootfs/link1")
        }
        let (root, names) = try rendered([.init(tar: upper), .init(tar: lower)])
        #expect(names == ["link1", "link2", "target"])
        #expect(try FileSystem.readText(root.appending("target")) == "upper")
        #expect(try FileSystem.readText(root.appending("link2")) == "lower")
        let link = try FileSystem.status(root.appending("link1"))
        #expect(link.mode == 0o600)
        #expect(link.inode == (try FileSystem.status(root.appending("link2")).inode))
    }

    @Test func aLinkWhoseTargetIsFilteredGetsTheTargetsData() throws {
        let tar = image {
            $0.add("rootfs/target", "data")
            $0.add("rootfs/between", .hardLink, link: "rootfs/target")
            $0.add("rootfs/link", .hardLink, link: "rootfs/between")
        }
        let (root, names) = try rendered([.init(tar: tar, whitelist: ["/link"])])
        #expect(names == ["link"])
        #expect(try FileSystem.readText(root.appending("link")) == "data")
    }
}
