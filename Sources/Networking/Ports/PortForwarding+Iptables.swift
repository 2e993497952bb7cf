// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// Input of iptables-restore(8) and ip6tables-restore(8), to be used with `--noflush`.
extension PortForwarding {
    /// The prefix of chains that are ours.
    static let chainPrefix = "RKT-"

    /// A chain's name: at most 28 bytes, which leaves room for 88 bits of the UUID.
    static func chain(_ kind: Character, _ uuid: PodUUID) -> String {
        "\(chainPrefix)\(kind)-\(uuid.withoutDashes.prefix(22))"
    }

    /// The match that tells whose rule this is.
    static func ownerMatch(_ uuid: PodUUID) -> String { "-m comment --comment \"rkt id: \\\"\(uuid)\\\"\"" }

    /// Makes chains and rules for a family; nil when nothing is forwarded by it.
    package func iptablesInput(isIPv4: Bool) -> String? {
        let targets = targets.filter { $0.isIPv4 == isIPv4 && !mappings(for: $0).isEmpty }
        guard !targets.isEmpty else { return nil }
        let owner = PortForwarding.ownerMatch(uuid)
        let destinations = PortForwarding.chain("D", uuid)
        let sources = PortForwarding.chain("S", uuid)
        var lines = ["*nat", ":\(destinations) - [0:0]", ":\(sources) - [0:0]"]
        for target in targets {
            for mapping in mappings(for: target) {
                lines += translations(mapping, target).map { "-A \(destinations) \($0)" }
                lines += masquerades(mapping, target).map { "-A \(sources) \($0)" }
            }
        }
        // Before all others: chains of networks that masquerade accept what goes from the network to itself.
        for chain in ["PREROUTING", "OUTPUT"] {
            lines.append("-I \(chain) -m addrtype --dst-type LOCAL \(owner) -j \(destinations)")
        }
        lines += ["-I POSTROUTING \(owner) -j \(sources)", "COMMIT"]
        for target in targets where needsLoopback(target) {
            guard let interface = target.interface else { continue }
            lines += ["*raw", "-A PREROUTING -i \(interface) -d 127.0.0.0/8 \(owner) -j DROP", "COMMIT"]
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func translations(_ mapping: PortMapping, _ target: Target) -> [String] {
        let transport = mapping.transport.rawValue
        let condition = (mapping.hostAddress.map { "-d \($0) " } ?? "") + "-p \(transport) -m \(transport)"
        let address = target.isIPv4 ? "\(target.address.address)" : "[\(target.address.address)]"
        guard mapping.hostPort != mapping.podPort else {
            return [
                "\(condition) --dport \(text(mapping.hostRange)) -j DNAT --to-destination \(target.address.address)"
            ]
        }
        return (0..<mapping.count).map { offset in
            "\(condition) --dport \(mapping.hostPort + offset) -j DNAT --to-destination "
                + "\(address):\(mapping.podPort + offset)"
        }
    }

    private func masquerades(_ mapping: PortMapping, _ target: Target) -> [String] {
        let transport = mapping.transport.rawValue
        let sources = ["\(target.address.network)"] + (target.isIPv4 ? ["127.0.0.0/8"] : [])
        return sources.map {
            "-s \($0) -d \(target.address.address) -p \(transport) -m \(transport) --dport \(text(mapping.podRange)) "
                + "-m conntrack --ctstate DNAT -j MASQUERADE"
        }
    }

    private func text(_ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound):\(range.upperBound)"
    }
}
