// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport

/// Networks and plugins of a test's own, in a network of its own, and what the host has there.
struct NetworkScene {
    let fixture: PodFixture
    /// The host's configuration. Its `net.d` holds networks, and plugins that are scripts.
    let local: FilePath
    private var directory: FilePath { local.appending("net.d") }

    init(_ fixture: PodFixture) async throws {
        try await fixture.leaveNetwork()
        self.fixture = fixture
        local = fixture.path("local")
        try FileSystem.makeDirectories(directory)
    }

    /// A flag that every command needs to see the scene.
    var flag: String { "--local-config=\(local)" }

    func file(_ name: String) -> FilePath { directory.appending(name) }

    func write(_ name: String, _ text: String) throws { try FileSystem.write(text.utf8, to: file(name)) }

    /// Installs a plugin that is a shell script.
    func install(_ name: String, _ body: String) throws {
        try FileSystem.write("#!/bin/sh\n\(body)\n".utf8, to: file(name), mode: 0o755)
    }

    /// Removes all networks and plugins.
    func clear() throws {
        for name in try FileSystem.list(directory) { try FileSystem.removeTree(file(name)) }
    }

    /// Links, routes, rules, settings that let 127.0.0.1 pass, namespaces, leases, held locks, mounts of namespaces, and programs that plugins have started.
    func traces() async throws -> [String] {
        try await fixture.onNetwork(
            """
            ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/link \\1/'
            for family in -4 -6; do
                ip $family route | grep -v 'fe80::/64 dev yard0' | sed -e 's/ linkdown//' -e 's/^/route /'
                ip $family rule | sed 's/^/rule /'
            done
            for program in iptables-save ip6tables-save; do
                $program | sed -n -e "s/ \\[[0-9]*:[0-9]*\\]$//" -e "s/^-A /$program /p" -e "s/^:\\(.*\\) -$/chain \\1/p"
            done
            grep -l 1 /proc/sys/net/ipv4/conf/*/route_localnet || :
            nft list tables 2>/dev/null | grep rkt- || :
            find /run/netns /var/lib/cni -type f 2>/dev/null | grep -v -e last_reserved -e /lock || :
            for lock in $(find /var/lib/cni -name lock) $(ls /run/xtables.lock 2>/dev/null); do
                flock -n $lock true || echo locked $lock
            done
            grep netns/cni- /proc/self/mountinfo || :
            grep -lza '^CNI_PATH=\(directory):' /proc/[0-9]*/environ 2>/dev/null || :
            """
        ).lines.sorted()
    }

    /// The traces, as soon as they are what they should be: interfaces go a moment after their namespace.
    func settledTraces(_ expected: [String]) async throws -> [String] {
        let deadline = Clock.milliseconds + 15_000
        while true {
            let found = try await traces()
            if found == expected || Clock.milliseconds > deadline { return found }
        }
    }

    /// What differs between two lists of traces.
    static func difference(_ found: [String], _ expected: [String]) -> [String] {
        found.difference(from: expected).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(line)"
            case .remove(_, let line, _): "- \(line)"
            }
        }
    }
}
