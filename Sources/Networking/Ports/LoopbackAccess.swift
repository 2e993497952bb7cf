// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Whether packets from 127.0.0.1 leave the host by an interface (route_localnet, ip-sysctl.rst). Pods of a bridge share
/// it: the last of them that has needed it takes it back. Whoever uses this holds `PortRules.lock`, so that nobody's rules
/// come or go meanwhile.
package struct LoopbackAccess {
    let uuid: PodUUID
    let tools: HostTools
    /// The pod's directory.
    let directory: FilePath

    /// Allows it. The rules that keep others from using it are there by now.
    ///
    /// - Parameter note: is called before, unless it was allowed without any pod's doing. Where nft(8) has been removed
    ///   rules of other pods may be there unseen.
    func allow(_ interface: String, note: () throws -> Void) throws {
        if try !InterfaceSetting.routesLoopback.isSet(of: interface) || tools.nft == nil || isNeeded(interface) {
            try note()
        }
        try InterfaceSetting.routesLoopback.set(true, of: interface)
    }

    /// Undoes it, unless another pod needs it. Safe to repeat; this pod's rules may still be there.
    func withdraw(_ interface: String) throws {
        guard !isNeeded(interface) else { return }
        try InterfaceSetting.routesLoopback.set(false, of: interface)
    }

    /// Whether another pod has the rule that goes with it. Where a tool does not tell, as on a kernel without its tables,
    /// there is none of it.
    private func isNeeded(_ interface: String) -> Bool {
        if let nft = tools.nft, let rules = try? HostTools.run(nft, ["list", "ruleset", "ip"], in: directory),
            Self.isGuarded(interface, nft: rules, besides: uuid)
        {
            return true
        }
        guard let save = tools.iptables?.save, let rules = try? HostTools.run(save, ["-t", "raw"], in: directory) else {
            return false
        }
        return Self.isGuarded(interface, iptables: rules, besides: uuid)
    }

    /// Whether the rules, as `nft list ruleset` prints them, keep others from an interface for another pod's sake.
    package static func isGuarded(_ interface: String, nft rules: String, besides uuid: PodUUID) -> Bool {
        var isOfAnother = false
        for line in rules.split(separator: "\n") {
            if line.hasPrefix("table ") {
                let name = line.split(separator: " ").dropFirst(2).first ?? ""
                isOfAnother = name.hasPrefix(PortForwarding.tablePrefix) && name != PortForwarding.table(uuid)
            }
            if isOfAnother, line.contains("iifname \"\(interface)\" ip daddr 127.0.0.0/8 drop") { return true }
        }
        return false
    }

    /// The same of what `iptables-save` prints.
    package static func isGuarded(_ interface: String, iptables rules: String, besides uuid: PodUUID) -> Bool {
        rules.split(separator: "\n").contains { line in
            line.contains("rkt id: ") && !line.contains("\(uuid)") && line.contains(" -i \(interface) ")
                && line.contains(" -d 127.0.0.0/8 ")
        }
    }
}
