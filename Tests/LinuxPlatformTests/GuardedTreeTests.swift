// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct GuardedTreeTests {
    private func tree() throws -> (scratch: ScratchDirectory, tree: GuardedTree, root: FilePath) {
        let scratch = try ScratchDirectory()
        let root = scratch.appending("pod")
        try FileSystem.makeDirectories(root.appending("share"))
        return (scratch, try GuardedTree(root), root)
    }

    @Test func directoriesAndFilesAreMadeAndRemoved() throws {
        let (scratch, tree, root) = try tree()
        defer {
            tree.close()
            scratch.close()
        }
        let one = root.appending("share").appending("1")
        try tree.newDirectory(one).close()
        try tree.directory(one).close()
        try tree.newFile(one.appending("file")).close()
        let error = #expect(throws: RuntimeError.self) { try tree.newDirectory(one) }
        #expect(error?.code == .exists)
        tree.removeDirectory(one)
        #expect(FileSystem.exists(one), "it is not empty")
        tree.removeFile(one.appending("file"))
        tree.removeDirectory(one)
        #expect(!FileSystem.exists(one))
        tree.removeDirectory(one)
    }

    @Test func noLinkLeadsOut() throws {
        let (scratch, tree, root) = try tree()
        defer {
            tree.close()
            scratch.close()
        }
        let outside = scratch.appending("outside")
        try FileSystem.makeDirectories(outside.appending("inner"))
        try FileSystem.write("kept".utf8, to: outside.appending("file"))
        let link = root.appending("share").appending("link")
        try FileSystem.makeSymbolicLink(to: "../../outside", at: link)
        for path in [link, link.appending("inner"), link.appending("new")] {
            let error = #expect(throws: RuntimeError.self) { try tree.directory(path) }
            #expect(error?.message.contains("symbolic link") == true, "\(path)")
        }
        #expect(throws: RuntimeError.self) { try tree.newFile(link.appending("made")) }
        tree.removeFile(link.appending("file"))
        tree.removeDirectory(link.appending("inner"))
        try tree.detach(link.appending("inner"))
        #expect(try FileSystem.list(outside) == ["file", "inner"])
        // The link itself can go.
        tree.removeFile(link)
        #expect(!FileSystem.exists(link))
    }

    @Test func filesAreAppendedToWhereTheyAre() throws {
        let (scratch, tree, root) = try tree()
        defer {
            tree.close()
            scratch.close()
        }
        let direct = root.appending("file"), deep = root.appending("new").appending("and").appending("deep")
        for text in ["one ", "two"] {
            for path in [direct, deep] {
                let file = try tree.fileToAppend(path, mode: 0o640)
                defer { try? file.close() }
                try FileSystem.writeAll(Array(text.utf8), to: file)
            }
        }
        for path in [direct, deep] { #expect(try FileSystem.readText(path) == "one two") }
        // No link on the way, none in the file's place, and nothing but files.
        let outside = scratch.appending("outside")
        try FileSystem.makeDirectories(outside)
        try FileSystem.write("kept".utf8, to: outside.appending("file"))
        try FileSystem.makeSymbolicLink(to: "../outside", at: root.appending("way"))
        try FileSystem.makeSymbolicLink(to: "../outside/file", at: root.appending("end"))
        let way = root.appending("way")
        for path in [way.appending("file"), way.appending("new"), root.appending("end")] {
            let error = #expect(throws: RuntimeError.self) { try tree.fileToAppend(path, mode: 0o640) }
            #expect(error?.message.contains("symbolic link") == true, "\(path)")
        }
        #expect(try FileSystem.list(outside) == ["file"])
        #expect(try FileSystem.readText(outside.appending("file")) == "kept")
        for path in [root.appending("share"), root, scratch.appending("beside")] {
            #expect(throws: RuntimeError.self) { try tree.fileToAppend(path, mode: 0o640) }
        }
        #expect(!FileSystem.exists(scratch.appending("beside")))
    }

    @Test func pathsThatAreNotBelowAreRefused() throws {
        let (scratch, tree, root) = try tree()
        defer {
            tree.close()
            scratch.close()
        }
        for path in [scratch.path, root, root.appending("share").appending("..").appending("..").appending("x")] {
            #expect(throws: RuntimeError.self) { try tree.open(path) }
        }
    }

    /// In a mount namespace of its own.
    @Test(.enabled(if: geteuid() == 0, "mounts")) func whatIsMountedIsTakenDownToTheLast() async throws {
        await #expect(processExitsWith: .success) {
            let scratch = try ScratchDirectory()
            try Mount.leaveNamespace()
            let root = scratch.appending("pod")
            let (source, place) = (scratch.appending("source"), root.appending("place"))
            for path in [source, place] { try FileSystem.makeDirectories(path) }
            try FileSystem.write("x".utf8, to: source.appending("file"))
            try Mount.bind(source, place)
            try Mount.bind(source, place)
            let tree = try GuardedTree(root)
            try tree.detach(place)
            guard try Mount.points(beneath: root).isEmpty, try FileSystem.list(place).isEmpty,
                FileSystem.exists(source.appending("file"))
            else { exit(1) }
            // The copy keeps what is mounted, with flags of its own, and gets nothing more.
            let target = try tree.open(place)
            let copy = try MountCopy(of: source, isRecursive: true)
            try copy.setApart([.readOnly])
            try copy.attach(to: target)
            guard (try? FileSystem.write("y".utf8, to: place.appending("new"))) == nil else { exit(2) }
            try FileSystem.write("y".utf8, to: source.appending("new"))
            guard FileSystem.exists(place.appending("new")) else { exit(3) }
            try tree.detach(place)
            scratch.close()
        }
    }
}
