// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What the specification lets a plugin be asked to do.
enum PluginCommand: String, Sendable {
    case add = "ADD"
    case check = "CHECK"
    case delete = "DEL"
    case version = "VERSION"
}

/// A pod's side of a network: all that its plugins are told besides their configuration.
package struct PluginContext: Sendable {
    let network: SelectedNetwork
    let uuid: PodUUID
    /// The path of the pod's network namespace; empty in a DEL when it is gone.
    let namespace: String
    /// The name of the interface in the pod.
    let interface: String
    let search: PluginSearch
    /// Elements for the capability `portMappings`.
    let portMappings: [JSONValue]
    let limits: ProcessLimits

    package init(
        network: SelectedNetwork, uuid: PodUUID, namespace: String, interface: String, search: PluginSearch,
        portMappings: [JSONValue] = [], limits: ProcessLimits = ProcessLimits()
    ) {
        self.network = network
        self.uuid = uuid
        self.namespace = namespace
        self.interface = interface
        self.search = search
        self.portMappings = portMappings
        self.limits = limits
    }

    /// The environment is fixed, so that DEL, which another program may run much later, gets that of ADD.
    func environment(_ command: PluginCommand) -> [String] {
        [
            "CNI_ARGS=\(arguments)", "CNI_COMMAND=\(command.rawValue)", "CNI_CONTAINERID=\(uuid)",
            "CNI_IFNAME=\(interface)", "CNI_NETNS=\(namespace)", "CNI_PATH=\(search.text)",
            "CNI_VERSION=\(network.configuration.version.rawValue)", "PATH=\(BoundedProcess.searchPath)",
        ]
    }

    /// Plugins refuse arguments that are meant for others unless they are told not to.
    private var arguments: String {
        guard !network.arguments.isEmpty, network.argument("IgnoreUnknown") == nil else { return network.arguments }
        return network.arguments + ";IgnoreUnknown=1"
    }

    /// What a plugin finds on standard input: its part of the network's configuration.
    ///
    /// - Parameter previous: the result of the plugin before it, or for DEL and CHECK that of the whole network.
    func input(_ plugin: PluginConfiguration, previous: JSONValue?) -> [UInt8] {
        let configuration = network.configuration
        let runtime = runtimeConfiguration(plugin)
        // A file's one plugin gets the file as it is.
        if configuration.form == .single, previous == nil, runtime.members.isEmpty { return configuration.document }
        var object = plugin.object
        object.set("name", .string(configuration.name))
        object.set("cniVersion", .string(configuration.version.rawValue))
        if !runtime.members.isEmpty { object.set("runtimeConfig", .object(runtime)) }
        if let previous { object.set("prevResult", previous) }
        return Array(JSONValue.object(object).encoded().utf8)
    }

    /// Values for the capabilities that a plugin has declared.
    private func runtimeConfiguration(_ plugin: PluginConfiguration) -> JSONObject {
        var object = JSONObject()
        if plugin.mapsPorts, !portMappings.isEmpty { object.set("portMappings", .array(portMappings)) }
        if plugin.capabilities.contains("ips"), let address = network.argument("IP") {
            object.set("ips", [.string(address)])
        }
        if plugin.capabilities.contains("mac"), let address = network.argument("MAC") {
            object.set("mac", .string(address))
        }
        return object
    }
}

/// One run of one plugin.
struct PluginInvocation {
    let context: PluginContext
    /// The program's name.
    let type: String
    let command: PluginCommand
    let input: [UInt8]

    /// Runs the plugin and returns what it has printed.
    ///
    /// - Parameter whenRefused: is called when it ends by itself and says that it has failed.
    /// - Throws: code `notFound` when there is no such plugin, otherwise one line that names plugin and network.
    func run(whenRefused: () -> Void = {}) throws -> [UInt8] {
        let network = context.network.name
        let program = try context.search.find(type, network: network)
        let process = BoundedProcess(
            program: program, environment: context.environment(command), input: input,
            directory: context.search.directory, limits: context.limits)
        let outcome: BoundedProcess.Outcome
        do {
            outcome = try process.run()
        } catch let error as RuntimeError {
            throw RuntimeError(
                error.code == .notFound ? .internal : error.code,
                "\(command.rawValue) of plugin \"\(type)\" of network \"\(network)\" failed", cause: error)
        }
        var failure: PluginFailure?
        if outcome.exit != .exited(0) {
            failure = PluginFailure(outcome)
        } else if command != .version {
            failure = PluginFailure(document: outcome.output)
        }
        guard let failure else { return outcome.output }
        if case .exited = outcome.exit { whenRefused() }
        throw error(failure)
    }

    private func error(_ failure: PluginFailure) -> RuntimeError {
        let network = context.network.name
        let place = "\(command.rawValue) of plugin \"\(type)\" of network \"\(network)\" failed"
        // host-local says it with a range of its own; users know the network's name.
        if command == .add, let address = context.network.argument("IP"),
            failure.text.contains("requested IP")
        {
            return RuntimeError(
                .busy,
                "requested IP address \"\(address)\" is not available in network: \(network) (\(failure.text)); choose a "
                    + "free one of its subnet, or none")
        }
        if failure.code == PluginFailure.incompatibleVersion, command != .version, let known = supportedVersions() {
            return RuntimeError(
                .unsupported,
                "\(place): it knows the versions \(known) of CNI, the network's cniVersion is "
                    + context.network.configuration.version.rawValue)
        }
        if DHCPDaemon.isMissed(in: failure) {
            return RuntimeError(
                .invalidState, "\(place): the daemon of dhcp does not run: \(DHCPDaemon.remedy) (\(failure.text))")
        }
        return RuntimeError(.invalidState, "\(place): \(failure.text)")
    }

    /// What VERSION answers, as text.
    private func supportedVersions() -> String? {
        let question = PluginInvocation(context: context, type: type, command: .version, input: input)
        guard let answer = try? question.run(), let document = try? JSONValue(parsing: answer),
            let versions = document["supportedVersions"]?.array?.prefix(32).compactMap(\.string), !versions.isEmpty
        else { return nil }
        return versions.map { oneLine($0, limit: 32) }.joined(separator: ", ")
    }
}
