// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// Runs the plugins of one network for one pod.
package struct NetworkChain {
    let context: PluginContext
    /// The programs with their parts of the configuration, in the order of ADD.
    private let steps: [(type: String, plugin: PluginConfiguration)]

    /// - Parameter addressOnly: run only the plugin that manages addresses; the interface is made elsewhere.
    package init(_ context: PluginContext, addressOnly: Bool = false) throws {
        self.context = context
        let plugins = context.network.configuration.plugins
        guard addressOnly else {
            steps = plugins.map { ($0.type, $0) }
            return
        }
        let place = "network \"\(context.network.name)\""
        guard plugins.count == 1, let plugin = plugins.first else {
            throw RuntimeError(
                .unsupported,
                "\(place) has plugins after macvlan, which need its interface; a virtual machine gets a macvtap instead"
            )
        }
        guard let ipam = plugin.ipamType else {
            steps = []
            return
        }
        guard ipam != DHCPDaemon.plugin else {
            throw RuntimeError(
                .unsupported,
                "\(place) asks for addresses by dhcp, which needs an interface in the pod's namespace; with macvlan a "
                    + "virtual machine has none there: use host-local or static, or a bridge")
        }
        steps = [(ipam, plugin)]
    }

    /// The program that ADD begins with; nil when there is none.
    var firstType: String? { steps.first?.type }

    /// Joins the pod to the network.
    ///
    /// - Parameter whenRefused: is called when a plugin ends by itself and says that it has failed: it has left nothing then,
    ///   as far as it knows.
    /// - Throws: the error of the first plugin that fails; those before it have made what only `delete` removes.
    package func add(whenRefused: () -> Void = {}) throws -> NetworkResult {
        let version = context.network.configuration.version
        var result: NetworkResult?
        for step in steps {
            let input = context.input(step.plugin, previous: result?.document)
            let output = try PluginInvocation(context: context, type: step.type, command: .add, input: input)
                .run(whenRefused: whenRefused)
            result = try decode(output, of: step.type, version)
        }
        if let result { return result }
        // Without an address there is nothing to ask for.
        let empty: JSONValue = ["cniVersion": .string(version.rawValue)]
        return try decode(Array(empty.encoded().utf8), of: "", version)
    }

    /// Asks the plugins whether all is as ADD has made it. Configurations before 0.4.0 cannot be asked.
    ///
    /// - Parameter result: the document that `add` ended with.
    package func check(_ result: JSONValue) throws {
        let configuration = context.network.configuration
        guard configuration.version.hasCheck, !configuration.disablesCheck else { return }
        for step in steps {
            let input = context.input(step.plugin, previous: result)
            _ = try PluginInvocation(context: context, type: step.type, command: .check, input: input).run()
        }
    }

    /// Leaves the network; safe to repeat, and after a failed `add`.
    ///
    /// - Parameters:
    ///   - result: the document that `add` ended with; nil when it did not end well.
    ///   - log: hears of each plugin before it runs.
    /// - Returns: what has failed; all plugins are run, whatever happens.
    package func delete(_ result: JSONValue?, log: (String) -> Void = { _ in }) -> [RuntimeError] {
        var failures: [RuntimeError] = []
        let previous = context.network.configuration.version.hasCheck ? result : nil
        for step in steps.reversed() {
            let input = context.input(step.plugin, previous: previous)
            releaseLease(step.type, step.plugin, input, log)
            log("executing net-plugin \(step.type)")
            do {
                _ = try PluginInvocation(context: context, type: step.type, command: .delete, input: input).run()
            } catch let error as RuntimeError {
                failures.append(error)
            } catch {
                failures.append(
                    RuntimeError(.internal, "DEL of network \"\(context.network.name)\" failed", cause: error))
            }
        }
        return failures
    }

    /// Gives an address of dhcp back as long as there is the interface that its server hears of it through. Some plugins
    /// remove the interface first; when they come to it again it is done, and they tell of what has failed.
    private func releaseLease(
        _ type: String, _ plugin: PluginConfiguration, _ input: [UInt8], _ log: (String) -> Void
    ) {
        guard let ipam = plugin.ipamType, ipam == DHCPDaemon.plugin, ipam != type else { return }
        log("executing net-plugin \(ipam)")
        // A daemon whose server does not answer may take very long.
        var limits = context.limits
        limits.milliseconds = min(limits.milliseconds, 15_000)
        let context = PluginContext(
            network: context.network, uuid: context.uuid, namespace: context.namespace, interface: context.interface,
            search: context.search, limits: limits)
        _ = try? PluginInvocation(context: context, type: ipam, command: .delete, input: input).run()
    }

    private func decode(_ output: [UInt8], of type: String, _ version: CNIVersion) throws -> NetworkResult {
        let place = "plugin \"\(type)\" of network \"\(context.network.name)\" gave a result that cannot be read"
        let document: JSONValue
        do throws(JSONSyntaxError) {
            document = try JSONValue(parsing: output)
        } catch {
            throw RuntimeError(
                .invalidState, "\(place): line \(error.line), column \(error.column): \(error.reason)")
        }
        do throws(FormatError) {
            return try NetworkResult(document, version: version)
        } catch {
            throw RuntimeError(.invalidState, "\(place): \(error)")
        }
    }
}
