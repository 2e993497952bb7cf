// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// Input of nft(8): one table for the pod and each family, which goes as a whole.
extension PortForwarding {
    static let tablePrefix = "rkt-"

    static func table(_ uuid: PodUUID) -> String { "\(tablePrefix)\(uuid)" }

    /// Makes the tables; it fails as a whole or not at all.
    package var nftInput: String { targets.map(nftTable).joined() }

    /// Removes the tables, whether they exist or not.
    package static func nftRemoval(_ uuid: PodUUID) -> String {
        ["ip", "ip6"].map { "add table \($0) \(table(uuid))\ndelete table \($0) \(table(uuid))\n" }.joined()
    }

    private func nftTable(_ target: Target) -> String {
        let mappings = mappings(for: target)
        guard !mappings.isEmpty else { return "" }
        let family = target.isIPv4 ? "ip" : "ip6"
        let translations = mappings.flatMap { nftTranslations($0, target) }
        // Priorities by number, as their names do not hold in all hooks: of destinations -100, of sources 100, raw -300.
        var chains = [
            nftChain("prerouting", "nat", "prerouting", -100, translations),
            nftChain("output", "nat", "output", -100, translations),
            nftChain("postrouting", "nat", "postrouting", 100, mappings.flatMap { nftSources($0, target) }),
        ]
        if needsLoopback(target), let interface = target.interface {
            chains.append(
                nftChain(
                    "guard", "filter", "prerouting", -300, ["iifname \"\(interface)\" ip daddr 127.0.0.0/8 drop"]))
        }
        return "table \(family) \(PortForwarding.table(uuid)) {\n" + chains.joined() + "}\n"
    }

    private func nftChain(_ name: String, _ type: String, _ hook: String, _ priority: Int, _ rules: [String]) -> String
    {
        "\tchain \(name) {\n\t\ttype \(type) hook \(hook) priority \(priority); policy accept;\n"
            + rules.map { "\t\t\($0)\n" }.joined() + "\t}\n"
    }

    /// Rules that lead connections to the host on to the pod.
    private func nftTranslations(_ mapping: PortMapping, _ target: Target) -> [String] {
        let family = target.isIPv4 ? "ip" : "ip6"
        let condition = mapping.hostAddress.map { "\(family) daddr \($0)" } ?? "fib daddr type local"
        let address = target.isIPv4 ? "\(target.address.address)" : "[\(target.address.address)]"
        guard mapping.hostPort != mapping.podPort else {
            return ["\(condition) \(mapping.transport.rawValue) dport \(text(mapping.hostRange)) dnat to \(address)"]
        }
        return (0..<mapping.count).map { offset in
            "\(condition) \(mapping.transport.rawValue) dport \(mapping.hostPort + offset) "
                + "dnat to \(address):\(mapping.podPort + offset)"
        }
    }

    /// Rules that make answers come back through the host: to itself, and to pods beside this one.
    private func nftSources(_ mapping: PortMapping, _ target: Target) -> [String] {
        let family = target.isIPv4 ? "ip" : "ip6"
        let rest =
            "\(family) daddr \(target.address.address) \(mapping.transport.rawValue) dport \(text(mapping.podRange)) "
            + "ct status dnat masquerade"
        let sources = ["\(target.address.network)"] + (target.isIPv4 ? ["127.0.0.0/8"] : [])
        return sources.map { "\(family) saddr \($0) \(rest)" }
    }

    private func text(_ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }
}
