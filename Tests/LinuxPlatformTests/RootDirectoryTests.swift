// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct RootDirectoryTests {
    private let scratch: ScratchDirectory
    private var root: RootDirectory { RootDirectory(scratch.path) }

    init() throws {
        scratch = try ScratchDirectory()
        for (name, target) in [("absolute", "/new/place"), ("up", "../../../outside"), ("loop", "loop")] {
            try FileSystem.makeSymbolicLink(to: target, at: scratch.appending(name))
        }
    }

    @Test(arguments: [("/absolute/x", "new/place/x"), ("/up/y", "outside/y"), ("plain/deep", "plain/deep")])
    func placesAreMadeWhereLinksLeadWithinTheRoot(path: String, place: String) throws {
        #expect(!root.exists(path))
        try root.directory(path).close()
        #expect(root.exists(path))
        let status = try FileSystem.status(scratch.path.pushing(FilePath(place)))
        #expect(status.type == .directory && status.mode == 0o755)
        let file = try root.file(path + "/file")
        defer { try? file.close() }
        #expect(try FileSystem.readSymbolicLink(file.path) == "\(scratch.path)/\(place)/file")
    }

    @Test func whatIsThereStaysAsItIs() throws {
        try FileSystem.makeDirectory(scratch.appending("there"), mode: 0o700)
        try FileSystem.write("kept".utf8, to: scratch.appending("there/file"))
        try root.directory("/there").close()
        try root.file("/there/file").close()
        #expect(try FileSystem.status(scratch.appending("there")).mode == 0o700)
        #expect(try FileSystem.readText(scratch.appending("there/file")) == "kept")
    }

    @Test func aRootThatIsNotThereIsAnError() {
        let missing = RootDirectory(scratch.appending("missing"))
        for path in ["", "/", "/a/b"] {
            #expect(throws: (any Error).self) { try missing.directory(path).close() }
            #expect(throws: (any Error).self) { try missing.file(path).close() }
        }
    }

    @Test func linksWithoutAnEndAreAnError() {
        #expect(throws: (any Error).self) { try root.directory("/loop/x").close() }
    }

    /// More links than the kernel follows first, the last to a file outside of the root: later there is a place for it.
    @Test func aFileOutsideKeepsItsModeHoweverManyLinksLeadToIt() throws {
        let outside = try ScratchDirectory()
        let victim = outside.appending("victim")
        try FileSystem.write("x".utf8, to: victim, mode: 0o600)
        for count in [41, 40, 39, 1, 0] {
            for number in 0..<count {
                let next = "l\(count)-\(number + 1)"
                try FileSystem.makeSymbolicLink(to: next, at: scratch.appending("l\(count)-\(number)"))
            }
            try FileSystem.makeSymbolicLink(to: victim.string, at: scratch.appending("l\(count)-\(count)"))
            try? root.directory("/l\(count)-0", mode: 0o777).close()
            #expect(try FileSystem.status(victim).mode == 0o600, "\(count) links")
        }
    }

    @Test func aFileInADirectorysPlaceIsAnErrorAndStaysAsItIs() throws {
        try FileSystem.write("kept".utf8, to: scratch.appending("file"), mode: 0o600)
        try FileSystem.makeSymbolicLink(to: "/file", at: scratch.appending("link"))
        for path in ["/file", "/link", "/file/below"] {
            #expect(throws: (any Error).self) { try root.directory(path, mode: 0o755).close() }
        }
        #expect(try FileSystem.status(scratch.appending("file")).mode == 0o600)
    }

    @Test(.requiresRoot) func nothingIsMadeInAMountThatIsNotOwn() throws {
        let mounted = scratch.appending("data")
        try FileSystem.makeDirectory(mounted)
        try Mount.mount(source: "tmpfs", target: mounted, type: "tmpfs")
        defer { try? Mount.unmount(mounted, detach: true) }
        try FileSystem.makeDirectory(mounted.appending("there"))
        try FileSystem.makeSymbolicLink(to: "/data/behind", at: scratch.appending("etc"))
        var tree = RootDirectory(scratch.path)
        let top = try tree.open("/")
        defer { try? top.close() }
        tree.ownMounts = [try top.mountID]
        for path in ["/data/x", "/data/there/x", "/data/x/y", "/etc/mtab", "/etc"] {
            for isDirectory in [true, false] {
                let error = #expect(throws: RuntimeError.self) {
                    try (isDirectory ? tree.directory(path) : tree.file(path)).close()
                }
                #expect(error?.code == .unsupported)
                #expect(error?.message.hasPrefix("there is no /data/") == true)
            }
        }
        #expect(try FileSystem.list(mounted) == ["there"])
        #expect(try FileSystem.list(mounted.appending("there")) == [])
        // What is there is found, and elsewhere things are made.
        for path in ["/data/there", "/own/x"] { try tree.directory(path).close() }
        #expect(FileSystem.exists(scratch.appending("own/x")))
    }

    /// The kernel gives up on a path with ".." when something is renamed anywhere meanwhile, and wants to be asked again.
    @Test func whatIsRenamedElsewhereDoesNotMatter() throws {
        let busy = try ScratchDirectory()
        let script = "cd \(busy.path); : >a; while :; do mv a b; mv b a; done"
        let child = try ChildProcess.spawn(
            SpawnRequest(path: "/bin/sh", arguments: ["/bin/sh", "-c", script], newSession: true))
        defer {
            _ = kill(-child.pid, SIGKILL)
            _ = try? child.wait()
            child.close()
            busy.close()
        }
        try FileSystem.makeDirectory(scratch.appending("d"))
        for _ in 0..<20_000 { try root.open("/d/../d/../d/../d").close() }
    }
}
