// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Puts port forwarding into effect with the tools that the host has, and takes it back.
struct PortRules {
    enum Tool: String {
        case nft, iptables
    }

    let tools: HostTools
    /// The pod's directory.
    let directory: FilePath

    /// - Parameter note: is told of a tool before it is used. When it has been used in vain the next one is tried.
    func apply(_ forwarding: PortForwarding, note: (Tool) throws -> Void) throws {
        guard forwarding.targets.contains(where: { !forwarding.mappings(for: $0).isEmpty }) else { return }
        var failure: (any Error)?
        if let nft = tools.nft {
            try note(.nft)
            do {
                _ = try HostTools.run(nft, ["-f", "-"], input: forwarding.nftInput, in: directory)
                return try allowLoopback(forwarding)
            } catch {
                failure = error
            }
        }
        guard tools.iptables != nil else {
            throw failure
                ?? RuntimeError(.unsupported, "ports cannot be forwarded: the host has neither nft nor iptables")
        }
        try note(.iptables)
        for (program, isIPv4) in [(tools.iptables, true), (tools.ip6tables, false)] {
            guard let input = forwarding.iptablesInput(isIPv4: isIPv4) else { continue }
            guard let program else {
                throw RuntimeError(.unsupported, "ports cannot be forwarded by IPv6: the host lacks ip6tables")
            }
            _ = try HostTools.run(program.restore, ["--noflush"], input: input, in: directory)
        }
        try allowLoopback(forwarding)
    }

    /// Safe to repeat.
    func remove(_ uuid: PodUUID, _ tool: Tool) throws {
        switch tool {
        case .nft:
            // Whoever removed the program can have left the rules.
            guard let nft = tools.nft else { throw RuntimeError(.notFound, "nft is gone, which has forwarded ports") }
            _ = try HostTools.run(nft, ["-f", "-"], input: PortForwarding.nftRemoval(uuid), in: directory)
        case .iptables: _ = try LeftoverRules(tools: tools, directory: directory).remove(of: uuid, madeByPlugins: false)
        }
    }

    /// Packets from 127.0.0.1 leave the host only by interfaces that are allowed to carry them (ip-sysctl.rst).
    private func allowLoopback(_ forwarding: PortForwarding) throws {
        for target in forwarding.targets where forwarding.needsLoopback(target) {
            guard let interface = target.interface else { continue }
            let setting = FilePath("/proc/sys/net/ipv4/conf").appending(interface).appending("route_localnet")
            do {
                let file = try FileDescriptor.open(setting, .writeOnly, options: [.closeOnExec])
                defer { try? file.close() }
                try FileSystem.writeAll(Array("1\n".utf8), to: file, setting)
            } catch let error as Errno {
                throw RuntimeError.systemCall("open", setting, error)
            }
        }
    }
}
