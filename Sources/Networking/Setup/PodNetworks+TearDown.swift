// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What taking a pod out of its networks has come to.
package struct TeardownReport: Sendable {
    /// What was found gone or was done in a plugin's place: worth a line when debugging.
    package fileprivate(set) var notices: [String] = []
    /// What can never be undone by the one who has done it, and may have left traces: worth a line.
    package fileprivate(set) var warnings: [String] = []
    /// What has failed and is tried again by the next call.
    package fileprivate(set) var failures: [RuntimeError] = []

    /// Whether there is nothing left to be tried.
    package var isComplete: Bool { failures.isEmpty }
}

extension PodNetworks {
    /// Undoes all that was done to the host, the last first. Safe to repeat, also after a crash or a reboot.
    ///
    /// - Parameters:
    ///   - refusing: networks whose plugin has just said that ADD has failed. If it cannot do DEL either, there is nothing
    ///     that it would remove another time.
    ///   - log: hears of each plugin before it runs.
    package func tearDown(refusing: Set<String> = [], log: (String) -> Void = { _ in }) -> TeardownReport {
        var report = TeardownReport()
        let journal = NetworkJournal(files.journal)
        let entries: [NetworkJournal.Entry]
        do {
            entries = try journal.read()
        } catch {
            report.note(error, "the networks of pod \"\(uuid)\" cannot be taken away")
            return report
        }
        for membership in NetworkMembership.all(in: entries) where membership.result == nil {
            report.attempt("a plugin still works for pod \"\(uuid)\"") {
                try PluginRemnants.end(of: uuid, interface: membership.interface)
            }
        }
        removePorts(entries, &report)
        giveBack(entries, &report)
        let memberships = NetworkMembership.all(in: entries)
        let space = namespace(entries)
        if space == nil, !memberships.isEmpty {
            report.notices.append("the network namespace of pod \"\(uuid)\" is gone")
        }
        var cutShort: [NetworkMembership] = []
        let needsSweep = leave(memberships, space, refusing, &report, log, &cutShort)
        for case .namespace(let path) in entries {
            report.attempt("the network namespace of pod \"\(uuid)\" is left") {
                try NetworkNamespaceMount.remove(at: path)
            }
        }
        // Plugins look for half of what they have made and fail over the other half. Without a namespace they do not look.
        var none: [NetworkMembership] = []
        _ = leave(cutShort.reversed(), nil, refusing, &report, log, &none)
        if needsSweep { sweep(&report) }
        if report.isComplete {
            report.attempt("the networks of pod \"\(uuid)\" are still noted") { try journal.remove() }
        }
        return report
    }

    /// Asks all plugins that can be asked whether the networks are as they have made them.
    package func check() throws {
        let entries = try NetworkJournal(files.journal).read()
        let resolved = try ResolvedNetworks(reading: files.resolved)
        for joined in NetworkMembership.all(in: entries) {
            guard let result = joined.result, let chain = try chain(joined, resolved, namespace: namespace(entries))
            else { continue }
            try chain.check(result)
        }
    }

    private func removePorts(_ entries: [NetworkJournal.Entry], _ report: inout TeardownReport) {
        guard entries.contains(where: \.concernsPorts) else { return }
        do {
            try rules.undoing { removeRules(entries, &report) }
        } catch {
            report.note(error, "ports of the host still lead to pod \"\(uuid)\"")
        }
    }

    /// Whoever calls it holds the lock of `PortRules`.
    private func removeRules(_ entries: [NetworkJournal.Entry], _ report: inout TeardownReport) {
        // Before the rules that keep other machines of the network from using it are gone.
        for case .loopback(let interface) in entries.reversed() {
            report.attempt("the host's loopback addresses still lead to \(interface)") {
                try rules.withdrawLoopback(uuid, interface)
            }
        }
        var isLast = true
        for case .ports(let name, let boot) in entries.reversed() {
            do {
                guard let tool = PortRules.Tool(rawValue: name) else {
                    throw RuntimeError(.invalidState, "\(name) is not a known tool")
                }
                try rules.remove(uuid, tool)
            } catch let error as RuntimeError where isLast && error.code == .notFound && isOver(boot) {
                // The kernel that had the rules is gone, and without the tool nobody has loaded them again.
                report.warnings.append(
                    "\(name) is gone, whose rules for pod \"\(uuid)\" went when the host was restarted")
            } catch {
                if isLast {
                    report.note(error, "ports of the host still lead to pod \"\(uuid)\"")
                } else {
                    // Another tool was noted because this one had been used in vain, and it makes all rules or none.
                    report.notices.append("\(name) could not be used: \(error)")
                }
            }
            isLast = false
        }
    }

    /// Whether the host has been restarted since.
    private func isOver(_ boot: String?) -> Bool {
        guard let boot, let current = self.boot else { return false }
        return boot != current
    }

    /// Gives interfaces that were joined to a machine what they had: plugins look at it to see what else to undo.
    private func giveBack(_ entries: [NetworkJournal.Entry], _ report: inout TeardownReport) {
        guard let path = namespace(entries) else { return }
        for case .joined(let interface) in entries.reversed() {
            report.attempt("an interface of pod \"\(uuid)\" is still its machine's") {
                let namespace = try NetworkNamespace.open(path)
                defer { try? namespace.close() }
                try InterfaceJoint.undo(try GuestInterface(interface), in: namespace)
            }
        }
    }

    /// Runs DEL of all networks, the last first.
    ///
    /// - Parameter cutShort: gets those whose ADD did not come to an end and whose DEL has failed, which is not reported: it
    ///   is to be tried without the namespace.
    /// - Returns: whether plugins may have left what they would have removed otherwise.
    private func leave(
        _ memberships: [NetworkMembership], _ namespace: FilePath?, _ refusing: Set<String>,
        _ report: inout TeardownReport, _ log: (String) -> Void, _ cutShort: inout [NetworkMembership]
    ) -> Bool {
        guard !memberships.isEmpty else { return false }
        var isSure = namespace != nil
        for membership in memberships.reversed() {
            let failures: [RuntimeError]
            do {
                let resolved = try ResolvedNetworks(reading: files.resolved)
                guard let chain = try chain(membership, resolved, namespace: namespace) else {
                    throw RuntimeError(.invalidState, "it is not noted in \"\(files.resolved)\"")
                }
                failures = chain.delete(membership.result, log: log)
            } catch {
                isSure = false
                report.note(error, "pod \"\(uuid)\" cannot leave network \"\(membership.name)\"")
                continue
            }
            if namespace != nil, membership.result == nil, !refusing.contains(membership.name),
                failures.contains(where: { $0.code != .notFound })
            {
                isSure = false
                cutShort.append(membership)
                continue
            }
            for failure in failures {
                isSure = false
                if failure.code == .notFound || refusing.contains(membership.name) {
                    report.warnings.append(failure.description + "; what it alone knows of may be left")
                } else {
                    report.failures.append(failure)
                }
            }
        }
        return !isSure
    }

    /// The pod's namespace, if it is still there.
    func namespace(_ entries: [NetworkJournal.Entry]) -> FilePath? {
        for case .namespace(let path) in entries where NetworkNamespaceMount.isMounted(at: path) { return path }
        return nil
    }

    /// The plugins of a network that was joined; nil when it is not among the pod's.
    private func chain(
        _ membership: NetworkMembership, _ resolved: ResolvedNetworks, namespace: FilePath?
    ) throws -> NetworkChain? {
        guard let network = resolved.networks.first(where: { $0.name == membership.name }) else { return nil }
        let context = PluginContext(
            network: network, uuid: uuid, namespace: namespace?.string ?? "", interface: membership.interface,
            search: PluginSearch(paths: resolved.pluginPaths, directory: files.directory),
            portMappings: membership.portMappings, limits: limits)
        return try NetworkChain(context, addressOnly: membership.addressOnly)
    }

    /// Removes what can be told to be this pod's without the plugin that has made it.
    private func sweep(_ report: inout TeardownReport) {
        let networks = (try? ResolvedNetworks(reading: files.resolved))?.networks ?? []
        for network in networks {
            let own = network.configuration.plugins.compactMap(\.leaseDirectory).map { FilePath($0) }
            for directory in Set([leases] + own.filter(\.isAbsolute)) {
                report.attemptNoting("addresses of network \"\(network.name)\" are still in use") {
                    try LeftoverLeases.remove(of: uuid, in: directory.appending(network.name)).map {
                        "address \($0) of network \"\(network.name)\" was given back"
                    }
                }
            }
        }
        do {
            let count = try LeftoverRules(tools: tools, directory: files.directory).remove(of: uuid)
            if count > 0 { report.notices.append("\(count) rules of iptables for pod \"\(uuid)\" were removed") }
        } catch let error as RuntimeError where error.code == .unsupported {
            report.warnings.append("rules of iptables may be left: \(error)")
        } catch {
            report.note(error, "rules of iptables are left")
        }
    }
}

extension TeardownReport {
    fileprivate mutating func note(_ error: any Error, _ what: String) {
        failures.append(RuntimeError((error as? RuntimeError)?.code ?? .internal, what, cause: error))
    }

    fileprivate mutating func attempt(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch { note(error, what) }
    }

    fileprivate mutating func attemptNoting(_ what: String, _ body: () throws -> [String]) {
        do { notices += try body() } catch { note(error, what) }
    }
}
