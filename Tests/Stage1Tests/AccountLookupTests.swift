// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport
import Testing

struct AccountLookupTests {
    private func withRoot(_ body: (FilePath, AccountLookup) throws -> Void) throws {
        let scratch = try ScratchDirectory()
        let root = scratch.path.appending("root")
        try FileSystem.makeDirectories(root.appending("etc"))
        try FileSystem.write(
            Array("root:x:0:0::/:/bin/sh\nweb:x:1000:1001::/:\n2000:x:3000:1::/:\nbroken:x\n".utf8),
            to: root.appending("etc/passwd"))
        try FileSystem.write(Array("wheel:x:10:web\n".utf8), to: root.appending("etc/group"))
        try body(root, AccountLookup(root: root))
    }

    @Test func namesComeBeforeNumbers() throws {
        try withRoot { (_, accounts) throws in
            #expect(try accounts.uid(of: "web") == 1000)
            #expect(try accounts.uid(of: "2000") == 3000)
            #expect(try accounts.uid(of: "2001") == 2001)
            #expect(try accounts.gid(of: "wheel") == 10)
        }
    }

    @Test func anUnknownNameIsAnErrorThatNamesIt() throws {
        try withRoot { (_, accounts) throws in
            let error = #expect(throws: (any Error).self) { try accounts.uid(of: "nobody-here") }
            #expect(String(describing: error).contains("\"nobody-here\" user not found"))
        }
    }

    @Test func whatIsNoFileIsNotOpened() throws {
        try withRoot { (root, accounts) throws in
            try FileSystem.remove(root.appending("etc/passwd"))
            // Opening it fails.
            let socket = try UnixSocket.listen(root.appending("etc/passwd"))
            defer { try? socket.close() }
            #expect(try accounts.uid(of: "7") == 7)
            #expect(throws: (any Error).self) { try accounts.uid(of: "web") }
        }
    }

    @Test func aLinkCannotLeadToTheHostsFile() throws {
        try withRoot { (root, accounts) throws in
            try FileSystem.remove(root.appending("etc/passwd"))
            try FileSystem.makeSymbolicLink(to: "/../../../../../etc/passwd", at: root.appending("etc/passwd"))
            // Within the root the link leads to itself, not to the host's accounts.
            #expect(throws: (any Error).self) { try accounts.uid(of: "daemon") }
        }
    }

    @Test func aPathMeansItsOwner() throws {
        try withRoot { (root, accounts) throws in
            let owner = try FileSystem.status(root.appending("etc/group"))
            #expect(try accounts.uid(of: "/etc/group") == owner.uid)
            #expect(try accounts.gid(of: "/etc/group") == owner.gid)
            #expect(throws: (any Error).self) { try accounts.uid(of: "/missing") }
        }
    }
}
