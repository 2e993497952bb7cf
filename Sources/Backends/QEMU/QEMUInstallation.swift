// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where the programs of QEMU are on this host.
package struct QEMUInstallation: Sendable, Equatable {
    package let emulator: FilePath?
    package let virtiofsd: FilePath?

    package init(emulator: FilePath?, virtiofsd: FilePath?) {
        self.emulator = emulator
        self.virtiofsd = virtiofsd
    }

    /// The emulator's path.
    package func requireEmulator() throws -> FilePath {
        guard let emulator else {
            throw RuntimeError(
                .notFound,
                "qemu-system-x86_64 is not in PATH; install it (Debian package qemu-system-x86)")
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
    /// Used when the environment has no PATH, as under a service manager with a bare environment.
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Looks for the programs.
    ///
    /// - Parameter searchPath: directories separated by colons, as in `PATH`; relative ones are skipped.
    package static func probe(searchPath: String? = ProcessImage.variable("PATH")) -> QEMUInstallation {
        let directories = (searchPath ?? defaultPath).split(separator: ":").map { FilePath(String($0)) }
            .filter(\.isAbsolute)
        return QEMUInstallation(
            emulator: find("qemu-system-x86_64", in: directories),
            virtiofsd: find("virtiofsd", in: directories + libraries))
    }

    private static func find(_ program: String, in directories: [FilePath]) -> FilePath? {
        directories.lazy.map { $0.appending(program) }.first { path in
            guard let status = try? FileSystem.status(path, followSymbolicLink: true) else { return false }
            return status.type == .regular && status.mode & 0o111 != 0
        }
    }
}
