// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport

/// Plugins that are shell scripts, and note what they are told.
struct ScriptedPlugins {
    let scratch: ScratchDirectory
    let uuid: PodUUID

    init() throws {
        scratch = try ScratchDirectory()
        uuid = try PodUUID(parsing: "0d3a1e2c-1111-4222-8333-444455556666")
        try FileSystem.makeDirectory(plugins)
    }

    var plugins: FilePath { scratch.appending("plugins") }
    private var log: FilePath { scratch.appending("log") }

    /// Installs a plugin.
    ///
    /// - Parameter body: what the script does after it has noted its environment and input.
    func install(_ name: String, _ body: String) throws {
        let script = """
            #!/bin/sh
            env | grep ^CNI_ | sort > \(scratch.path)/\(name).$CNI_COMMAND.env
            cat > \(scratch.path)/\(name).$CNI_COMMAND.stdin
            echo "\(name) $CNI_COMMAND" >> \(log)
            \(body)
            """
        try FileSystem.write((script + "\n").utf8, to: plugins.appending(name), mode: 0o755)
    }

    /// Installs one that prints an address for ADD.
    func installAnswering(_ name: String, version: String = "0.4.0", address: String = "10.1.2.3/24") throws {
        try install(
            name,
            """
            [ $CNI_COMMAND = ADD ] && echo '{"cniVersion":"\(version)","ips":[{"address":"\(address)"}]}'
            exit 0
            """)
    }

    /// `NAME COMMAND`, in the order in which they were run.
    var runs: [String] {
        ((try? FileSystem.readText(log)) ?? "").split(separator: "\n").map(String.init)
    }

    func input(_ name: String, _ command: String) throws -> JSONValue {
        try JSONValue(parsing: inputBytes(name, command))
    }

    func inputBytes(_ name: String, _ command: String) throws -> [UInt8] {
        try FileSystem.read(scratch.appending("\(name).\(command).stdin"))
    }

    func environment(_ name: String, _ command: String) throws -> [String] {
        try FileSystem.readText(scratch.appending("\(name).\(command).env")).split(separator: "\n").map(String.init)
    }

    func network(
        _ text: String, _ form: NetworkConfiguration.Form = .single, arguments: String = ""
    ) throws -> SelectedNetwork {
        SelectedNetwork(
            try NetworkConfiguration(parsing: Array(text.utf8), form, file: nil), arguments: arguments)
    }

    func chain(
        _ text: String, _ form: NetworkConfiguration.Form = .single, arguments: String = "",
        portMappings: [JSONValue] = [], addressOnly: Bool = false, limits: ProcessLimits = ProcessLimits()
    ) throws -> NetworkChain {
        try NetworkChain(
            PluginContext(
                network: network(text, form, arguments: arguments), uuid: uuid, namespace: "/var/run/netns/x",
                interface: "eth0", search: PluginSearch(paths: ["nowhere", plugins.string], directory: scratch.path),
                portMappings: portMappings, limits: limits),
            addressOnly: addressOnly)
    }
}
