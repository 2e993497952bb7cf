// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct PlaceInRootTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
        try FileSystem.makeDirectories(scratch.appending("real/deep"))
        for (name, target) in [
            ("absolute", "/real"), ("up", "../../../etc"), ("chain", "absolute/deep"), ("nowhere", "/new/place"),
            ("loop", "loop"), ("real/back", "../real/./deep/.."),
        ] {
            try FileSystem.makeSymbolicLink(to: target, at: scratch.appending(name))
        }
    }

    @Test(
        arguments: [
            ("/", "/"), ("/real/deep", "/real/deep"), ("/absolute/x", "/real/x"), ("/up/passwd", "/etc/passwd"),
            ("/chain/y", "/real/deep/y"), ("/nowhere/z", "/new/place/z"), ("/real/back/deep", "/real/deep"),
            ("/missing/a/b", "/missing/a/b"),
        ])
    func linksAreFollowedWithinTheRoot(path: String, place: String) throws {
        #expect(try FileSystem.place(of: FilePath(path), inRoot: scratch.path) == FilePath(place))
    }

    @Test func aLoopIsAnError() {
        let error = #expect(throws: (any Error).self) {
            try FileSystem.place(of: "/loop/x", inRoot: scratch.path)
        }
        #expect(error.map { "\($0)" }?.contains("40 symbolic links") == true)
    }

    @Test(
        arguments: [
            ("/data/", "/data"), ("//a//b", "/a/b"), ("a/./b", "/a/b"), ("/a/../..", "/"), ("/../x/", "/x"), ("", "/"),
        ])
    func pathsInARootAreNormalised(path: String, normal: String) {
        #expect(FilePath(inRoot: path).string == normal)
    }
}
