// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import Testing

struct ControlGroupsTests {
    @Test func `a host of version 2`() {
        let mounts = """
            22 1 8:1 / / rw - ext4 /dev/sda1 rw
            31 22 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
            """
        #expect(
            ControlGroups.hierarchies(mounts: mounts, groups: "0::/system.slice/pod.service\n")
                == ["/sys/fs/cgroup/system.slice/pod.service"])
    }

    @Test func `a host of both versions`() {
        let mounts = """
            30 22 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
            31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
            33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            34 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            35 30 0:31 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
            """
        let groups = """
            5:memory:/user.slice
            4:cpu,cpuacct:/
            1:name=systemd:/user.slice/session.scope
            0::/user.slice/session.scope
            """
        #expect(
            ControlGroups.hierarchies(mounts: mounts, groups: groups) == [
                "/sys/fs/cgroup/unified/user.slice/session.scope", "/sys/fs/cgroup/systemd/user.slice/session.scope",
                "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory/user.slice",
            ])
    }

    @Test func `a hierarchy that is mounted twice has each group once`() {
        let mounts = """
            31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            91 90 0:27 / /srv/chroot/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            92 90 0:28 / /srv/chroot/sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """
        #expect(
            ControlGroups.hierarchies(mounts: mounts, groups: "2:memory:/a\n0::/b\n")
                == ["/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/unified/b"])
    }

    @Test func `inside a container only a part of a hierarchy is mounted`() {
        let mounts = """
            31 30 0:27 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            32 30 0:28 /elsewhere /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
            """
        #expect(
            ControlGroups.hierarchies(mounts: mounts, groups: "2:memory:/outer/inner\n1:pids:/outer\n")
                == ["/sys/fs/cgroup/memory/inner"])
    }

    @Test(
        arguments: [
            ("", ["cpu", "cpuacct"]), ("memory pids\n", ["cpu", "cpuacct", "memory", "pids"]),
        ] as [(String, Set<String>)])
    func `controllers hold below a group that passes them on`(passedOn: String, controllers: Set<String>) {
        let mounts = """
            32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            """
        let groups = """
            9:memory:/not/mounted
            4:cpu,cpuacct:/
            0::/user.slice

            """
        let found = ControlGroups.controllersBelow(mounts: mounts, groups: groups) { path in
            path == "/sys/fs/cgroup/unified/user.slice/cgroup.subtree_control" ? passedOn : nil
        }
        #expect(found == controllers)
        let delegated = DelegatedGroup(
            directory: "/sys/fs/cgroup/unified/user.slice", controllers: ["memory", "io"], residents: [1])
        let divided = ControlGroups.controllersBelow(mounts: mounts, groups: groups, delegated: delegated) { _ in "" }
        #expect(divided == ["cpu", "cpuacct", "memory", "io"])
    }
}
