// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Networking
import SystemPackage
import Testing

struct NetworkConfigurationTests {
    private func parse(
        _ text: String, _ form: NetworkConfiguration.Form = .single
    ) throws -> NetworkConfiguration {
        try NetworkConfiguration(
            parsing: Array(text.utf8), form, file: FilePath("/etc/rkt/net.d/10-x.\(form.rawValue)"))
    }

    @Test func aFileOfTheManualIsUnderstood() throws {
        let network = try parse(
            """
            { "name": "bridge-nat", "type": "bridge", "bridge": "rkt-bridge-nat", "ipMasq": true, "isGateway": true,
              "ipam": { "type": "host-local", "subnet": "10.2.0.0/24", "routes": [ { "dst": "0.0.0.0/0" } ] } }
            """)
        #expect(network.name == "bridge-nat")
        #expect(network.version == .v0_1_0)
        #expect(network.masquerades)
        #expect(network.plugins.map(\.type) == ["bridge"])
        #expect(network.plugins[0].ipamType == "host-local")
    }

    @Test func keysCountWhateverTheirCase() throws {
        let network = try parse(#"{"NAME":"n","Type":"ptp","IPMASQ":true,"cniversion":"0.4.0"}"#)
        #expect(network.name == "n")
        #expect(network.masquerades)
        #expect(network.version == .v0_4_0)
    }

    @Test func aChainKeepsItsOrder() throws {
        let network = try parse(
            """
            {"cniVersion":"1.0.0","name":"chain","plugins":[
              {"type":"bridge","ipam":{"type":"host-local"}},
              {"type":"portmap","capabilities":{"portMappings":true,"ips":false}}]}
            """, .list)
        #expect(network.plugins.map(\.type) == ["bridge", "portmap"])
        #expect(network.plugins[1].capabilities == ["portMappings"])
        #expect(network.mapsPorts)
        #expect(!network.masquerades)
    }

    @Test(
        arguments: [
            ("{", NetworkConfiguration.Form.single, "is not JSON: line 1, column 2"),
            ("{\n\"name\": x}", .single, "is not JSON: line 2, column 9"),
            ("[]", .single, "expected an object"),
            (#"{"type":"ptp"}"#, .single, "name: is required but missing"),
            (#"{"name":"","type":"ptp"}"#, .single, "name: must not be empty"),
            (#"{"name":"a,b","type":"ptp"}"#, .single, "is not the name of a network"),
            (#"{"name":"../x","type":"ptp"}"#, .single, "is not the name of a network"),
            (#"{"name":"host","type":"ptp"}"#, .single, "has a meaning of its own"),
            (#"{"name":"n"}"#, .single, "type: is required but missing"),
            (#"{"name":"n","type":"../../bin/sh"}"#, .single, "is not the name of a plugin"),
            (#"{"name":"n","type":".."}"#, .single, "is not the name of a plugin"),
            (#"{"name":"n","type":1}"#, .single, "type: expected a string, found a number"),
            (#"{"name":"n","type":"ptp","ipMasq":"yes"}"#, .single, "ipMasq: expected true or false"),
            (#"{"name":"n","type":"ptp","ipam":{"type":"a/b"}}"#, .single, "ipam.type"),
            (#"{"name":"n","type":"ptp","cniVersion":"9.9.9"}"#, .single, "\"9.9.9\" is not a known version"),
            (#"{"name":"n","plugins":[{"type":"ptp"}]}"#, .single, "a file that ends in .conflist"),
            (#"{"name":"n","type":"ptp"}"#, .list, "plugins: must hold one plugin at least"),
            (#"{"name":"n","plugins":[{"type":"ptp"},{}]}"#, .list, "plugins[1].type: is required but missing"),
            (#"{"name":"n","plugins":[{"type":"ptp"},7]}"#, .list, "plugins[1]: expected an object"),
        ])
    func whatIsWrongIsNamedWithItsPlace(text: String, form: NetworkConfiguration.Form, reason: String) {
        let error = #expect(throws: RuntimeError.self) { try parse(text, form) }
        #expect(error?.message.hasPrefix("network configuration \"/etc/rkt/net.d/10-x.\(form.rawValue)\"") == true)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
