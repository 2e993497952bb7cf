// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct MappedMountTests {
    private static let users = UserRange(first: 655_360)

    /// Whether the file system of tests maps owners; those of few hosts do not.
    private func map(_ path: FilePath) throws -> OwnerMap {
        let map = try OwnerMap(#require(Self.users), admitsRoot: true)
        try MappedMount.check(path, map)
        return map
    }

    @Test(.requiresRoot) func filesAreShownWithOtherOwnersAndKeepTheirOwn() throws {
        let scratch = try ScratchDirectory()
        let (source, target) = (scratch.appending("source"), scratch.appending("target"))
        for path in [source, target] { try FileSystem.makeDirectory(path) }
        try FileSystem.write([], to: source.appending("file"))
        let map = try map(source)
        defer { map.close() }
        try MappedMount.attach(source, at: target, map)
        defer { try? Mount.unmount(target, detach: true) }
        #expect(try FileSystem.status(target.appending("file")).uid == 655_360)
        #expect(try FileSystem.status(source.appending("file")).uid == 0)
        // The host's root makes files, too, which are none of those that show the map.
        try FileSystem.write([], to: target.appending("host"))
        #expect(try FileSystem.status(target.appending("host")).uid == 0)
        #expect(try FileSystem.status(source.appending("host")).uid == 0x7fff_fffe)
    }

    @Test(.requiresRoot) func aFileSystemWithoutOwnersIsNamed() throws {
        let map = try OwnerMap(#require(Self.users), admitsRoot: false)
        defer { map.close() }
        let error = #expect(throws: RuntimeError.self) { try MappedMount.check("/proc", map) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("(proc)") == true)
        #expect(error?.message.contains("--private-users") == true)
    }

    @Test func theTypeIsThatOfTheDeepestMountOnTop() {
        let table = """
            21 1 8:1 / / rw - ext4 /dev/sda1 rw
            22 21 0:5 / /srv rw shared:1 - xfs /dev/sdb rw
            23 21 0:6 / /srv/a\\040b rw - tmpfs tmpfs rw
            24 22 0:7 / /srv rw - btrfs /dev/sdc rw
            """
        #expect(Mount.type(at: "/srv2/x", in: table) == "ext4")
        #expect(Mount.type(at: "/srv/x", in: table) == "btrfs")
        #expect(Mount.type(at: "/srv/a b/c", in: table) == "tmpfs")
    }
}
