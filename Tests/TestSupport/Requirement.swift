// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import Testing

/// Something of the host without which a test cannot run.
///
/// The test is skipped with the reason, except where all tests have to run: with CI or RKT_REQUIRE_ALL in the
/// environment it fails.
package struct Requirement: Error, CustomStringConvertible {
    package let description: String

    /// A trait for what holds or does not hold.
    package static func trait(_ reason: String, _ isMet: @escaping @Sendable () -> Bool) -> ConditionTrait {
        .enabled("\(reason)") {
            if isMet() { return true }
            guard requiresAll else { return false }
            throw Requirement(description: reason)
        }
    }

    private static var requiresAll: Bool {
        ["CI", "RKT_REQUIRE_ALL"].contains { name in
            guard let value = getenv(name) else { return false }
            return !["", "0", "false"].contains(String(cString: value))
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Pods are run by root.
    package static var requiresRoot: Self { Requirement.trait("needs root") { geteuid() == 0 } }

    /// Where the tested pods are machines.
    package static var requiresQEMU: Self {
        Requirement.trait("needs QEMU: install the Debian package qemu-system-x86") {
            TestedStage1.has(.hostKernel) || Program.path(of: "qemu-system-x86_64") != nil
        }
    }

    package static var requiresBuild: Self {
        Requirement.trait("needs what `make all images` builds") { BuildProducts.missing.isEmpty }
    }

    /// Kernels of the distribution, and what makes images of them.
    package static var requiresKernelPackages: Self {
        Requirement.trait("needs what `make images` gets, and the Debian packages cpio, erofs-utils and kmod") {
            ["generic", "cloud"].allSatisfy { FileSystem.exists(BuildProducts.kernelPackage($0)) }
                && ["cpio", "fsck.erofs", "depmod"].allSatisfy { Program.path(of: $0) != nil }
        }
    }

    /// journalctl, and the program that makes files for it.
    package static var requiresJournalRemote: Self {
        Requirement.trait("needs the Debian packages systemd and systemd-journal-remote") {
            Program.path(of: "journalctl") != nil && FileSystem.exists("/lib/systemd/systemd-journal-remote")
        }
    }

    /// What is there of this host's in a virtual machine that is a host with systemd.
    package static var requiresSystemdHost: Self {
        Requirement.trait("needs the Debian packages dbus, systemd, systemd-container and qemu-system-x86") {
            ["/lib/systemd/systemd", "/lib/systemd/systemd-machined", "/usr/bin/dbus-daemon"].allSatisfy {
                FileSystem.exists(FilePath($0))
            } && Program.path(of: "qemu-system-x86_64") != nil
        }
    }

    /// Plugins of the distribution, and what they and tests of networks need.
    package static var requiresNetworkPlugins: Self {
        Requirement.trait("needs the Debian packages containernetworking-plugins, iproute2 and iptables") {
            FileSystem.exists("/usr/lib/cni/ptp") && ["ip", "iptables-save"].allSatisfy { Program.path(of: $0) != nil }
        }
    }

    /// libvirt's daemons, and rkt's program for it.
    package static var requiresLibvirt: Self {
        Requirement.trait(
            "needs the Debian packages libvirt-daemon-system and libvirt-clients, and a build with libvirt"
        ) {
            ["libvirtd", "virtlogd", "virsh", "unshare"].allSatisfy { Program.path(of: $0) != nil }
                && FileSystem.exists(BuildProducts.directory.appending("libexec/rkt/libvirt-domain"))
        }
    }

    /// A program of the host.
    package static func requires(_ program: String) -> Self {
        Requirement.trait("needs the program \(program)") { Program.path(of: program) != nil }
    }
}
