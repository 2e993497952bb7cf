// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform

/// Arguments of the `run` and `preflight` entrypoints, interface version 5 of the implementor's guide.
package struct EntrypointArguments: Equatable, Sendable {
    package var debug = false
    package var networks: [String] = []
    package var interactive = false
    package var hostname = ""
    package var localConfiguration = ""
    package var restrictsCapabilities = true
    package var protectsKernelPaths = true
    package var filtersSystemCalls = true
    /// Where the apps' `/etc/resolv.conf` comes from.
    package var resolver = NameFile.standard
    /// Where the apps' `/etc/hosts` comes from.
    package var hosts = NameFile.standard
    /// What the pod has in place of the host's users; what is below stage1's root is shown with these ids.
    package var users: UserRange?
    /// Whether apps are to come and go while the pod runs.
    package var isMutable = false
    package var uuid = ""

    /// Where a file comes from that names hosts for the apps.
    package enum NameFile: String, Sendable {
        /// The image, and where that lacks one what stage1 makes.
        case standard = "default"
        case host, stage0
        case none
    }

    package init(parsing arguments: [String]) throws {
        for argument in arguments {
            guard argument.hasPrefix("--") else {
                guard uuid.isEmpty else { throw RuntimeError(.invalidArgument, "unexpected argument \(argument)") }
                uuid = argument
                continue
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]) : nil
            try apply(String(parts[0]), value)
        }
        guard !uuid.isEmpty else { throw RuntimeError(.invalidArgument, "the pod's UUID is missing") }
    }

    private mutating func apply(_ name: String, _ value: String?) throws {
        switch name {
        case "debug": debug = try Self.flag(name, value)
        case "net": networks = (value ?? "").split(separator: ",").map(String.init)
        case "interactive": interactive = try Self.flag(name, value)
        case "hostname": hostname = value ?? ""
        case "local-config": localConfiguration = value ?? ""
        case "private-users":
            do {
                users = try UserRange(parsing: value ?? "")
            } catch {
                throw RuntimeError(.invalidArgument, "--private-users=\(value ?? "")", cause: error)
            }
        case "disable-capabilities-restriction": restrictsCapabilities = try !Self.flag(name, value)
        case "disable-paths": protectsKernelPaths = try !Self.flag(name, value)
        case "disable-seccomp": filtersSystemCalls = try !Self.flag(name, value)
        case "mutable": isMutable = try Self.flag(name, value)
        case "dns-conf-mode": try readNameFiles(value ?? "")
        default: throw RuntimeError(.unsupported, "this stage1 does not know --\(name)")
        }
    }

    /// The same for a pod in which nothing restricts what apps may do.
    var withoutConfinement: EntrypointArguments {
        var arguments = self
        arguments.restrictsCapabilities = false
        arguments.protectsKernelPaths = false
        arguments.filtersSystemCalls = false
        return arguments
    }

    /// Only the host's root may protect processes (proc(5), `oom_score_adj`).
    func canSet(oomScoreAdjust: Int) -> Bool { users == nil || oomScoreAdjust >= 0 }

    /// Reads `resolv=MODE,hosts=MODE`.
    private mutating func readNameFiles(_ modes: String) throws {
        for part in modes.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch (pair[0], NameFile(rawValue: pair.last ?? "")) {
            case ("resolv", let mode?) where pair.count == 2: resolver = mode
            case ("hosts", let mode?) where pair.count == 2 && mode != .none: hosts = mode
            default: throw RuntimeError(.invalidArgument, "--dns-conf-mode=\(modes): cannot read \"\(part)\"")
            }
        }
    }

    private static func flag(_ name: String, _ value: String?) throws -> Bool {
        switch value {
        case nil, "true", "1": return true
        case "false", "0": return false
        default: throw RuntimeError(.invalidArgument, "--\(name) is either true or false")
        }
    }
}
