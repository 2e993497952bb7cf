// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Networks whose addresses the daemon of the plugin `dhcp` gets.
struct DHCPNetworkTests {
    private let scratch: ScratchDirectory
    private var socket: FilePath { scratch.appending("dhcp.sock") }

    init() throws { scratch = try ScratchDirectory() }

    private func resolve() throws -> ResolvedNetworks {
        let directory = scratch.appending("net.d")
        try FileSystem.makeDirectories(directory)
        let text = #"{"name":"lan","type":"bridge","ipam":{"type":"dhcp","daemonSocketPath":"\#(socket)"}}"#
        try FileSystem.write(text.utf8, to: directory.appending("10-lan.conf"))
        return try ResolvedNetworks(
            NetworkSelection(parsing: ["lan"]), directories: [directory], localConfiguration: scratch.path)
    }

    @Test func aDaemonThatDoesNotRunIsToldBeforeThereIsAPod() throws {
        let error = #expect(throws: RuntimeError.self) { try resolve() }
        #expect(error?.message.contains("network \"lan\"") == true)
        #expect(error?.message.contains("there is no socket \"\(socket)\"") == true)
        #expect(error?.message.contains("systemctl start rkt-cni-dhcp.socket") == true)

        let listener = try UnixSocket.listen(socket)
        defer { try? listener.close() }
        #expect(try resolve().networks.map(\.name) == ["lan"])
    }

    @Test func aDaemonThatHasEndedIsToldWhenThePluginMissesIt() throws {
        let host = try ScriptedPlugins()
        try host.install(
            "one",
            #"""
            echo '{"code":999,"msg":"error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: connection refused"}'
            exit 1
            """#)
        let error = #expect(throws: RuntimeError.self) { try host.chain(#"{"name":"n","type":"one"}"#).add() }
        #expect(error?.message.contains("ADD of plugin \"one\" of network \"n\" failed") == true)
        #expect(error?.message.contains("/usr/lib/cni/dhcp daemon") == true)
        #expect(error?.message.contains("connection refused") == true)
    }

    /// Some plugins remove the interface before they ask for that.
    @Test func anAddressIsGivenBackBeforeTheInterfaceIsRemoved() throws {
        let host = try ScriptedPlugins()
        for name in ["one", "dhcp", "two"] { try host.installAnswering(name) }
        let chain = try host.chain(
            #"{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"one","ipam":{"type":"dhcp"}},{"type":"two"}]}"#,
            .list)
        let result = try chain.add()
        #expect(chain.delete(result.document).isEmpty)
        #expect(host.runs == ["one ADD", "two ADD", "two DEL", "dhcp DEL", "one DEL"])
        #expect(try host.inputBytes("dhcp", "DEL") == host.inputBytes("one", "DEL"))

        // Without the daemon it is told once.
        for name in ["one", "dhcp"] { try host.install(name, "echo no daemon >&2; exit 1") }
        #expect(chain.delete(result.document).count == 1)
    }
}
