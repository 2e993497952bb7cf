// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage1
import Testing

struct SystemCallFilterTests {
    private static let known: Set<String> = [
        "brk", "chmod", "chown", "execve", "exit_group", "mount", "read", "reboot", "socket", "umount2", "write",
    ]

    private func filter(_ name: String, _ value: JSONValue) throws -> SystemCallFilter? {
        try SystemCallFilter([try Isolator(name: name, value: value)])
    }

    @Test func withoutAnIsolatorOnlyTheUsualCallsAreAllowed() throws {
        let filter = try #require(try SystemCallFilter([]))
        #expect(filter.mode == .retain)
        #expect(filter.error == nil)
        let listed = filter.listed(known: Self.known)
        #expect(listed == Self.known.subtracting(["mount", "reboot", "umount2"]))
    }

    @Test func retainedCallsAreAllowedBesideTheLifeCycle() throws {
        let filter = try #require(
            try filter("os/linux/seccomp-retain-set", ["set": ["chmod", "nonsense"], "errno": "EPERM"]))
        #expect(filter.listed(known: Self.known) == ["chmod", "brk", "execve", "exit_group"])
        #expect(filter.unknown(known: Self.known) == ["nonsense"])
        #expect(filter.error == 1)
    }

    @Test func removedCallsAreAllThatIsBlocked() throws {
        let filter = try #require(
            try filter("os/linux/seccomp-remove-set", ["set": ["@rkt/default-blacklist", "socket", "@other/set"]]))
        #expect(filter.mode == .remove)
        #expect(filter.listed(known: Self.known) == ["mount", "reboot", "umount2", "socket"])
        #expect(filter.unknown(known: Self.known) == ["@other/set"])
    }

    @Test func allRetainedIsNoFilterAndNoneRemovedTheUsualOne() throws {
        #expect(try filter("os/linux/seccomp-retain-set", ["set": ["chmod", "@appc.io/all"]]) == nil)
        #expect(try filter("os/linux/seccomp-remove-set", ["set": ["@appc.io/empty"]]) == SystemCallFilter([]))
    }

    @Test func errorsThatLinuxDoesNotHaveAreRefused() {
        #expect(throws: (any Error).self) {
            try filter("os/linux/seccomp-retain-set", ["set": ["chmod"], "errno": "ENONSENSE"])
        }
    }

    @Test(
        arguments: [
            "@rkt/default-blacklist", "@rkt/default-whitelist", "@docker/default-blacklist",
            "@docker/default-whitelist", "@systemd/clock", "@systemd/default-whitelist", "@systemd/io-event",
            "@systemd/mount", "@systemd/network-io", "@systemd/obsolete", "@systemd/privileged", "@systemd/process",
            "@systemd/raw-io",
        ])
    func everyDocumentedSetCompiles(_ name: String) throws {
        let filter = try #require(try filter("os/linux/seccomp-remove-set", ["set": [.string(name)]]))
        #expect(filter.unknown(known: SystemCallProgram.knownNames) == [])
        #expect(!filter.listed(known: SystemCallProgram.knownNames).isEmpty)
        let program = try SystemCallProgram.compile(filter)
        #expect(program.count % 8 == 0)
        #expect(program.count / 8 <= 4096)
    }
}
