// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Where the programs of QEMU are on this host.
package struct QEMUInstallation: Sendable, Equatable {
    package let emulator: FilePath?
    package let virtiofsd: FilePath?
    private let architecture: GuestArchitecture

    package init(emulator: FilePath?, virtiofsd: FilePath?, architecture: GuestArchitecture = .host) {
        self.emulator = emulator
        self.virtiofsd = virtiofsd
        self.architecture = architecture
    }

    /// What the emulator is called.
    var emulatorName: String { emulator?.lastComponent?.string ?? Self.program(for: architecture) }

    /// The emulator's path.
    package func requireEmulator() throws -> FilePath {
        guard let emulator else {
            throw RuntimeError(
                .notFound,
                "\(Self.program(for: architecture)) is not in PATH; install it (Debian package "
                    + "\(architecture == .aarch64 ? "qemu-system-arm" : "qemu-system-x86"))")
        }
        return emulator
    }

    /// virtiofsd's path.
    package func requireVirtiofsd() throws -> FilePath {
        guard let virtiofsd else {
            throw RuntimeError(
                .notFound,
                "virtiofsd is neither in PATH nor in \(Self.libraries.map(\.string).joined(separator: " or ")); install it "
                    + "(Debian package qemu-system-common up to release 12, virtiofsd from release 13 on)")
        }
        return virtiofsd
    }

    // MARK: - Probing

    /// Where distributions keep programs that are not for users: Debian 12 the first, Debian 13 and Fedora the second.
    private static let libraries: [FilePath] = ["/usr/lib/qemu", "/usr/libexec", "/usr/libexec/qemu"]
    /// What the emulator for an architecture is called.
    private static func program(for architecture: GuestArchitecture) -> String {
        "qemu-system-\(architecture.rawValue)"
    }

    /// Looks for the programs.
    ///
    /// - Parameters:
    ///   - emulator: used in place of the one that would be found.
    ///   - searchPath: directories separated by colons, as in `PATH`; relative ones are skipped.
    package static func probe(
        emulator: FilePath? = nil, searchPath: String? = ProcessImage.variable("PATH"),
        architecture: GuestArchitecture = .host
    ) -> QEMUInstallation {
        let directories = ProgramSearch.directories(searchPath)
        return QEMUInstallation(
            emulator: emulator ?? ProgramSearch.find(program(for: architecture), in: directories),
            virtiofsd: ProgramSearch.find("virtiofsd", in: directories + libraries), architecture: architecture)
    }
}
