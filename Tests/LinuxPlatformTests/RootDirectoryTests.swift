// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

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
}
