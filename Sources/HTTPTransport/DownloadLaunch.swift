// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// How the `download` program is found and started.
package struct DownloadLaunch {
    /// The variables that the program gets.
    private static let variables: Set<String> = [
        "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "RES_OPTIONS", "LOCALDOMAIN",
    ]
    /// The user without rights (Debian policy, 9.2.2).
    private static let nobody: UInt32 = 65534

    let path: FilePath
    let environment: [String]
    let traces: Bool

    /// Where the program of an installed `rkt` is, `PREFIX/libexec/rkt/download` for `PREFIX/bin/rkt`; for one that is
    /// not in a directory `bin` it is `libexec/rkt/download` beside it.
    package static func path(forExecutable executable: FilePath) -> FilePath {
        InstalledPrograms.directory(forExecutable: executable).appending("download")
    }

    /// The program that belongs to the running one.
    package static func path() throws -> FilePath {
        path(forExecutable: FilePath(try FileSystem.readSymbolicLink("/proc/self/exe")))
    }

    func request() throws -> SpawnRequest {
        guard FileSystem.exists(path) else {
            throw RuntimeError(
                .notFound,
                "there is no program \"\(path)\", by which rkt talks to the network: install it with rkt (make install)"
            )
        }
        let environment = environment.filter { entry in
            Self.variables.contains(String(entry.prefix { $0 != "=" }))
        }
        var request = SpawnRequest(
            path: path, arguments: ["download"] + (traces ? ["--trace"] : []), environment: environment, directory: "/")
        // The signal comes with the end of the thread that has started the program, and only the first one lasts as
        // long as the process does. For the others the end of the socket has to do.
        let thread = (try? FileSystem.readSymbolicLink("/proc/thread-self"))?.split(separator: "/").last
        if thread == "\(getpid())" { request.parentDeathSignal = SIGKILL }
        if geteuid() == 0, ([path.string] + certificates(environment)).allSatisfy(Self.isOpenToAll) {
            request.credentials = .init(uid: Self.nobody, gid: Self.nobody)
        }
        return request
    }

    private func certificates(_ environment: [String]) -> [String] {
        environment.compactMap { entry in
            let parts = entry.split(separator: "=", maxSplits: 1)
            return parts.count == 2 && parts[0].hasPrefix("SSL_CERT_") ? String(parts[1]) : nil
        }.flatMap { $0.split(separator: ":").map(String.init) }
    }

    /// Whether a user without rights can reach and read a file; one that is not there keeps nobody out.
    private static func isOpenToAll(_ path: String) -> Bool {
        guard let resolved = realpath(path, nil) else { return true }
        defer { free(resolved) }
        var current = FilePath(String(cString: resolved))
        guard let status = try? FileSystem.status(current), status.mode & 0o004 != 0 else { return false }
        if status.mode & 0o111 != 0, status.mode & 0o001 == 0 { return false }
        while current.removeLastComponent() {
            guard let status = try? FileSystem.status(current), status.mode & 0o001 != 0 else { return false }
        }
        return true
    }
}
