// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// The network of a container that has users of its own.
///
/// The network was made by plugins and belongs to the host's users, so that root in the container is nobody there: it can
/// neither enter it (systemd-nspawn runs in it from the beginning instead) nor change its settings. What root in other
/// containers can do with any network, as listening at low ports and sending pings, is allowed to all users of this one.
package struct NspawnNetwork: Sendable, Equatable {
    /// Where it is mounted.
    package let namespace: FilePath
    /// In their order.
    package let settings: [MachineSpec.NetworkSetting]

    init(namespace: FilePath, users: UserRange, settings: [MachineSpec.NetworkSetting]) {
        self.namespace = namespace
        self.settings =
            [
                .init(path: "net/ipv4/ip_unprivileged_port_start", value: "0"),
                .init(path: "net/ipv4/ping_group_range", value: "\(users.ids.lowerBound) \(users.ids.upperBound - 1)"),
            ] + settings
    }

    /// Makes the settings; those of the network that a thread is in are what `/proc/sys/net` shows it.
    func apply() throws {
        let descriptor = try NetworkNamespace.open(namespace)
        defer { try? descriptor.close() }
        try NetworkNamespace.enter(descriptor) {
            for setting in settings { try apply(setting) }
        }
    }

    private func apply(_ setting: MachineSpec.NetworkSetting) throws {
        let path = FilePath("/proc/sys").pushing(FilePath(setting.path))
        do {
            let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
            defer { try? file.close() }
            try FileSystem.writeAll(Array(setting.value.utf8), to: file, path)
        } catch let error as Errno {
            let reason = error == .noSuchFileOrDirectory ? "the kernel has no such setting" : error.text
            throw RuntimeError(.invalidArgument, "sysctl \(setting.path): \(reason)")
        }
    }
}
