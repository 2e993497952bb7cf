// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Owners and modes of new directories, on a host that has rkt's groups.
@Suite(
    .requiresBuild, .requiresRoot, .requires("unshare"), .requires("setpriv"), .requires("gpg"), .podLogs,
    .timeLimit(.minutes(5)))
struct DirectoryModeTests {
    private static let members = 54_321
    private static let administrators = 54_322

    /// Path below the scratch directory, mode, group.
    private static let expected: [(path: String, mode: UInt32, group: Int)] = [
        ("data", 0o2750, members), ("data/cas", 0o2770, members), ("data/cas/blob", 0o2770, members),
        ("data/cas/blob/sha512", 0o2770, members), ("data/cas/db", 0o2770, members),
        ("data/cas/db/images.sqlite", 0o660, members), ("data/cas/tmp", 0o2770, members),
        ("data/cas/tree", 0o2700, members), ("data/cas/locks", 0o2700, members), ("data/pods", 0o2750, members),
        ("data/pods/prepared", 0o2750, members), ("data/pods/run", 0o2750, members),
        ("etc", 0o2775, administrators), ("etc/trustedkeys", 0o2775, administrators),
        ("etc/trustedkeys/root.d", 0o2775, administrators),
    ]

    /// Runs a script where /etc/group has rkt's groups.
    private func shell(_ fixture: PodFixture, _ script: String) async throws -> HostProcess.Outcome {
        let groups = fixture.path("group")
        if !FileSystem.exists(groups) {
            let text = try FileSystem.readText("/etc/group").split(separator: "\n").filter { !$0.hasPrefix("rkt") }
            let lines = text + ["rkt:x:\(Self.members):", "rkt-admin:x:\(Self.administrators):"]
            try FileSystem.write((lines.joined(separator: "\n") + "\n").utf8, to: groups)
        }
        return try await fixture.shell(
            """
            unshare -m /bin/sh -ec 'mount --make-rprivate / && mount --bind "$0" /etc/group && eval "$1"' \
                '\(groups)' '\(script)'
            """)
    }

    @Test func `new directories belong to the groups`() async throws {
        let home = try SigningHome()
        let key = try home.export(home.makeKey("Carly <carly@example.com>"))
        try await PodFixture.with(seeded: false) { fixture in
            // The build directory may be out of other users' reach.
            try await fixture.require("/bin/cp", [BuildProducts.rkt.string, fixture.path("rkt").string])
            let options = "--insecure-options=image --dir=\(fixture.data) --local-config=\(fixture.path("etc"))"
            let prepare = "prepare --stage1-path=\(BuildProducts.stage1) $images/busybox.aci"
            let trust = "trust --root --skip-fingerprint-review \(key)"
            let made = try await shell(fixture, "umask 077; $rkt \(options) \(prepare); $rkt \(options) \(trust)")
            #expect(made.status == 0, "\(made.error)")
            try check(fixture)
            // Somebody of the group fetches into the same store, and removes what root has fetched.
            let image = fixture.path("probe.aci")
            try await fixture.require("/bin/cp", [BuildProducts.image("probe").string, image.string])
            let member =
                "setpriv --reuid=65534 --regid=65534 --groups=\(Self.members) \(fixture.path("rkt")) \(options)"
            let fetched = try await shell(
                fixture, "\(member) fetch --full \(image); \(member) image rm example.com/busybox")
            #expect(fetched.status == 0, "\(fetched.error)")
            #expect(fetched.lines.count == 2)
            let digits = fetched.lines.first?.dropFirst("sha512-".count).prefix(2) ?? ""
            let directory = try FileSystem.status(fixture.data.appending("cas/blob/sha512/\(digits)"))
            #expect(directory.mode == 0o2770 && Int(directory.gid) == Self.members && directory.uid == 65_534)
        }
    }

    private func check(_ fixture: PodFixture) throws {
        for (path, mode, group) in Self.expected {
            let status = try FileSystem.status(fixture.scratch.path.pushing(FilePath(path)))
            #expect(status.mode == mode, "\(path): \(String(status.mode, radix: 8))")
            #expect(Int(status.gid) == group && status.uid == 0, "\(path)")
        }
    }

    @Test func `the script for packages makes the same, also of what is there`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            // Made where there were no groups.
            let fetched = try await fixture.rkt("fetch", BuildProducts.image("busybox").string)
            #expect(fetched.status == 0)
            let script = FilePath(#filePath).removingLastComponent().pushing("../../../dist/setup-data-dir.sh")
            let command = "umask 077; bash \(script.lexicallyNormalized()) \(fixture.data) \(fixture.path("etc"))"
            let made = try await shell(fixture, command)
            #expect(made.status == 0, "\(made.error)")
            try check(fixture)
            // Members of the group can put a link in the place of the index. What it leads to stays root's.
            let foreign = fixture.path("foreign")
            try FileSystem.write([], to: foreign, mode: 0o600)
            let index = fixture.data.appending("cas/db/images.sqlite")
            try await fixture.require("/bin/ln", ["-sf", foreign.string, index.string])
            let refused = try await shell(fixture, command)
            let complaint = "cas/db/images.sqlite is not reached without a symbolic link"
            #expect(refused.status != 0 && refused.error.contains(complaint))
            let status = try FileSystem.status(foreign)
            #expect(status.mode == 0o600 && status.gid == 0)
        }
    }

    @Test func `directories that are there are used as they are`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            try FileSystem.makeDirectory(fixture.data, mode: 0o700)
            let fetched = try await shell(
                fixture, "$rkt --insecure-options=image --dir=$data fetch $images/busybox.aci")
            #expect(fetched.status == 0, "\(fetched.error)")
            let status = try FileSystem.status(fixture.data)
            #expect(status.mode == 0o700 && status.gid == 0)
        }
    }
}
