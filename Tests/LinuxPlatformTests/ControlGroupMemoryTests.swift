// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import Testing

struct ControlGroupMemoryTests {
    private static let unified = "31 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    private static let both = """
        31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        34 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

        """

    @Test(
        arguments: [
            (["a.slice/b.service/memory.max": "max\n"], nil),
            (["a.slice/b.service/memory.max": "4096\n"], 4096),
            (["a.slice/b.service/memory.max": "8192\n", "a.slice/memory.max": "4096\n"], 4096),
            (["a.slice/b.service/memory.max": "max\n", "a.slice/memory.max": "4096\n"], 4096),
            // The controller is on for the slice only.
            (["a.slice/memory.max": "4096\n"], 4096),
            (["other.slice/memory.max": "4096\n"], nil),
        ] as [([String: String], Int64?)])
    func `the smallest limit above a group counts`(files: [String: String], limit: Int64?) {
        let found = ControlGroups.memoryLimit(mounts: Self.unified, groups: "0::/a.slice/b.service\n") { path in
            files[String(path.string.dropFirst("/sys/fs/cgroup/".count))]
        }
        #expect(found == limit)
    }

    @Test(arguments: [("9223372036854771712\n", nil), ("1048576\n", 1_048_576)] as [(String, Int64?)])
    func `version 1 has a file and a number of its own`(text: String, limit: Int64?) {
        let found = ControlGroups.memoryLimit(mounts: Self.both, groups: "2:memory:/a\n0::/b\n") { path in
            path == "/sys/fs/cgroup/memory/a/memory.limit_in_bytes" ? text : nil
        }
        #expect(found == limit)
    }

    @Test func `without groups there is no limit`() {
        #expect(ControlGroups.memoryLimit(mounts: "", groups: "") { _ in "1" } == nil)
    }

    @Test(
        arguments: [
            ("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n", 2),
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 1), ("oom_kill_disable 1\n", 0), ("", 0),
        ])
    func `kills are counted`(events: String, count: Int) {
        #expect(ControlGroups.memoryKills(events) == count)
    }

    @Test func `a process has processors`() { #expect(Processors.usable > 0) }
}
