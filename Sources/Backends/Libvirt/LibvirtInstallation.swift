// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// What this host has for machines of libvirt.
package struct LibvirtInstallation: Sendable, Equatable {
    /// The program that keeps a domain; it was installed with rkt.
    package let keeper: FilePath?
    /// The emulator that libvirt is told to use; nil for its own choice.
    package let emulator: FilePath?
    package let virtiofsd: FilePath?
    /// The group that may use hardware virtualization; nil without the device.
    package let accelerationGroup: UInt32?
    /// Which libvirt; nil for that of the system.
    package let address: String?
    /// Where the system's libvirt is listened for; nil when it does not run.
    package let socket: FilePath?

    /// The name of the program that keeps a domain.
    package static let program = "libvirt-domain"
    /// The variable that names another libvirt, to its own programs, too (virsh(1)).
    package static let variable = "LIBVIRT_DEFAULT_URI"
    /// Where the system's libvirt is asked for.
    package static let system = "qemu:///system"
    /// By which the system's libvirt is reached: that of libvirtd, and that of its part for QEMU alone.
    private static let sockets: [FilePath] = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"]

    package init(
        keeper: FilePath?, emulator: FilePath? = nil, virtiofsd: FilePath?, accelerationGroup: UInt32? = nil,
        address: String? = nil, socket: FilePath? = nil
    ) {
        self.keeper = keeper
        self.emulator = emulator
        self.virtiofsd = virtiofsd
        self.accelerationGroup = accelerationGroup
        self.address = address
        self.socket = socket
    }

    /// Why the system's libvirt cannot be asked; nil when it can, or another one is meant.
    package var serverProblem: String? {
        guard address == nil, socket == nil else { return nil }
        return
            "libvirt does not run: there is no \(Self.sockets[0]); install it (apt install libvirt-daemon-system), and "
            + "start it (systemctl start libvirtd)"
    }

    package func requireVirtiofsd() throws -> FilePath {
        try QEMUInstallation(emulator: nil, virtiofsd: virtiofsd).requireVirtiofsd()
    }

    package func requireKeeper() throws -> FilePath {
        guard let keeper else {
            throw RuntimeError(
                .notFound,
                "the program \(Self.program) is not installed with rkt, which was built without libvirt or is installed in "
                    + "part; build it with libvirt (Debian package libvirt-dev), or use another \"backend\"")
        }
        return keeper
    }

    /// Looks for the programs.
    ///
    /// - Parameters:
    ///   - emulator: used in place of the one that libvirt chooses.
    ///   - programs: where the programs are that were installed with rkt.
    package static func probe(emulator: FilePath? = nil, programs: FilePath?) -> LibvirtInstallation {
        LibvirtInstallation(
            keeper: programs.flatMap { ProgramSearch.find(program, in: [$0]) }, emulator: emulator,
            virtiofsd: QEMUInstallation.probe().virtiofsd,
            accelerationGroup: try? FileSystem.status("/dev/kvm").gid,
            address: ProcessImage.variable(variable).flatMap { $0.isEmpty ? nil : $0 },
            socket: sockets.first { FileSystem.exists($0) })
    }
}
