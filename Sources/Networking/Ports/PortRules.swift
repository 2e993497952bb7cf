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
    /// Whoever adds or removes rules of pods holds a lock on this directory.
    let lock: FilePath

    /// - Parameters:
    ///   - note: is told of a tool before it is used. When it has been used in vain the next one is tried.
    ///   - noteLoopback: is told of an interface before the host may use it from 127.0.0.1.
    func apply(
        _ forwarding: PortForwarding, note: (Tool) throws -> Void, noteLoopback: (String) throws -> Void
    ) throws {
        guard forwarding.targets.contains(where: { !forwarding.mappings(for: $0).isEmpty }) else { return }
        let lock = try FileLock.acquire(lock, .exclusive)
        defer { lock.release() }
        var failure: (any Error)?
        if let nft = tools.nft {
            try note(.nft)
            do {
                _ = try HostTools.run(nft, ["-f", "-"], input: forwarding.nftInput, in: directory)
                return try allowLoopback(forwarding, noteLoopback)
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
            _ = try HostTools.run(program.restore, HostTools.restoring, input: input, in: directory)
        }
        try allowLoopback(forwarding, noteLoopback)
    }

    /// Takes rules back, and before that what the host allowed for loopback under their protection. Safe to repeat.
    ///
    /// - Parameter body: calls `withdrawLoopback` and `remove` while nobody else's rules come or go.
    func undoing(_ body: () -> Void) throws {
        // After a restart nobody may have made it yet, and nobody has rules.
        let lock = FileSystem.exists(lock) ? try FileLock.acquire(lock, .exclusive) : nil
        defer { lock?.release() }
        body()
    }

    /// - Throws: code `notFound` when the host does not have the tool any more.
    func remove(_ uuid: PodUUID, _ tool: Tool) throws {
        switch tool {
        case .nft:
            // Whoever removed the program can have left the rules.
            guard let nft = tools.nft else { throw Self.isGone("nft") }
            _ = try HostTools.run(nft, ["-f", "-"], input: PortForwarding.nftRemoval(uuid), in: directory)
        case .iptables:
            guard tools.iptables != nil else { throw Self.isGone("iptables") }
            _ = try LeftoverRules(tools: tools, directory: directory).remove(of: uuid, madeByPlugins: false)
        }
    }

    private static func isGone(_ tool: String) -> RuntimeError {
        RuntimeError(.notFound, "\(tool) is gone, which has forwarded ports; install it again or restart the host")
    }

    /// Takes back what the host allowed for loopback, unless another pod needs it.
    func withdrawLoopback(_ uuid: PodUUID, _ interface: String) throws {
        try LoopbackAccess(uuid: uuid, tools: tools, directory: directory).withdraw(interface)
    }

    /// Lets the host reach its pods by 127.0.0.1.
    private func allowLoopback(_ forwarding: PortForwarding, _ note: (String) throws -> Void) throws {
        let access = LoopbackAccess(uuid: forwarding.uuid, tools: tools, directory: directory)
        for target in forwarding.targets where forwarding.needsLoopback(target) {
            guard let interface = target.interface else { continue }
            try access.allow(interface) { try note(interface) }
        }
    }
}
