// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// What the guest finds mounted before it is told its pod.
enum GuestMounts {
    private static let groups: FilePath = "/sys/fs/cgroup"

    /// The kernel of a virtual machine has mounted the root file system and devtmpfs; the C constructor has mounted /proc.
    static func makeForMachine() throws {
        let restricted: MountFlags = [.noSetUserID, .noDevices, .noExecution]
        try mount("sysfs", "/sys", restricted)
        if !FileSystem.exists("/dev/null") { try mount("devtmpfs", "/dev", .noSetUserID, "mode=0755") }
        try? FileSystem.makeDirectory("/dev/pts")
        try? FileSystem.makeDirectory("/dev/shm", mode: 0o1777)
        try mount("devpts", "/dev/pts", [.noSetUserID, .noExecution], "mode=0620,gid=5,ptmxmode=0666")
        try mount("tmpfs", "/dev/shm", [.noSetUserID, .noDevices], "mode=1777")
        try mount("tmpfs", "/run", [.noSetUserID, .noDevices], "mode=0755")
        try mount("tmpfs", "/tmp", [.noSetUserID, .noDevices], "mode=1777")
        try mount("tmpfs", "/var", [.noSetUserID, .noDevices], "mode=0755")
        try FileSystem.makeSymbolicLink(to: "../run", at: "/var/run")
        // systemd and its libraries are read in large pieces: each request costs an exit to the hypervisor.
        try? FileSystem.write(Array("4096\n".utf8), to: "/sys/block/vda/queue/read_ahead_kb")
        try mount("cgroup2", groups, restricted, "nsdelegate,memory_recursiveprot")
    }

    /// systemd-nspawn(1) has mounted it all. The controllers of version 1 it shows read-only; the groups that are seen
    /// there are the container's own, and its manager limits apps by them.
    static func makeForContainer() throws {
        try? FileSystem.makeSymbolicLink(to: "../run", at: "/var/run")
        for point in try Mount.points(beneath: groups) where point != groups {
            guard (try? FileSystem.status(point.appending("cgroup.procs"))) != nil else { continue }
            try Mount.mount(
                source: "", target: point, type: "", flags: [.bind, .remount, .noSetUserID, .noDevices, .noExecution])
        }
    }

    private static func mount(_ type: String, _ target: FilePath, _ flags: MountFlags, _ data: String = "") throws {
        try Mount.mount(source: type, target: target, type: type, flags: flags, data: data)
    }
}
