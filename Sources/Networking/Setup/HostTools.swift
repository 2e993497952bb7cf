// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The host's programs for packet filter rules; nil is what it lacks.
package struct HostTools: Sendable {
    /// nft(8)
    package var nft: FilePath?
    /// iptables-save(8) and iptables-restore(8)
    package var iptables: Iptables?
    /// The same for IPv6.
    package var ip6tables: Iptables?

    package struct Iptables: Sendable {
        package let save: FilePath
        package let restore: FilePath
    }

    package init(nft: FilePath? = nil, iptables: Iptables? = nil, ip6tables: Iptables? = nil) {
        self.nft = nft
        self.iptables = iptables
        self.ip6tables = ip6tables
    }

    /// Those in the usual directories.
    package static func installed() -> HostTools {
        HostTools(nft: path("nft"), iptables: iptables("iptables"), ip6tables: iptables("ip6tables"))
    }

    private static func iptables(_ name: String) -> Iptables? {
        guard let save = path("\(name)-save"), let restore = path("\(name)-restore") else { return nil }
        return Iptables(save: save, restore: restore)
    }

    private static func path(_ name: String) -> FilePath? {
        BoundedProcess.searchPath.split(separator: ":").map { FilePath(String($0)).appending(name) }
            .first { access($0.string, X_OK) == 0 }
    }

    /// Arguments of iptables-restore(8): it adds to what is there, and waits for other programs that change rules.
    static let restoring = ["--noflush", "--wait=30"]

    /// Runs one of the programs and returns what it has printed.
    ///
    /// - Parameter directory: any that exists; its file system holds the input for a moment.
    static func run(
        _ program: FilePath, _ arguments: [String] = [], input: String = "", in directory: FilePath
    ) throws -> String {
        let process = BoundedProcess(
            program: program, arguments: arguments, environment: ["PATH=\(BoundedProcess.searchPath)", "LC_ALL=C"],
            input: Array(input.utf8), directory: directory,
            limits: ProcessLimits(output: 64 << 20, milliseconds: 60_000))
        let outcome = try process.run()
        guard outcome.exit == .exited(0) else {
            throw RuntimeError(.invalidState, "\(program) failed: \(PluginFailure(outcome).text)")
        }
        return String(decoding: outcome.output, as: UTF8.self)
    }
}
