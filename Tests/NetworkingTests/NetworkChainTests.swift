// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

struct NetworkChainTests {
    private let host: ScriptedPlugins

    init() throws { host = try ScriptedPlugins() }

    @Test func aPluginGetsItsFileAndAFixedEnvironment() throws {
        try host.install("one", #"echo '{"ip4":{"ip":"10.1.2.3/24"}}'"#)
        let text = "{ \"name\": \"n\",\n  \"type\": \"one\", \"own\": [1, 2] }\n"
        let chain = try host.chain(text, arguments: "IP=10.1.2.3;X=Y")
        let result = try chain.add()
        #expect(result.addresses.map(\.address.description) == ["10.1.2.3/24"])
        #expect(try host.inputBytes("one", "ADD") == Array(text.utf8))
        let expected = [
            "CNI_ARGS=IP=10.1.2.3;X=Y;IgnoreUnknown=1", "CNI_COMMAND=ADD", "CNI_CONTAINERID=\(host.uuid)",
            "CNI_IFNAME=eth0", "CNI_NETNS=/var/run/netns/x", "CNI_PATH=nowhere:\(host.plugins)", "CNI_VERSION=0.1.0",
        ]
        #expect(try host.environment("one", "ADD") == expected)

        #expect(chain.delete(result.document).isEmpty)
        #expect(try host.inputBytes("one", "DEL") == Array(text.utf8))
        #expect(
            try host.environment("one", "DEL") == expected.map { $0 == "CNI_COMMAND=ADD" ? "CNI_COMMAND=DEL" : $0 })
    }

    private let list = """
        {"cniVersion":"0.4.0","name":"chain","plugins":[{"type":"one","a":1},
          {"type":"two","capabilities":{"portMappings":true,"ips":true}}]}
        """

    @Test func eachPluginOfAChainGetsTheResultOfTheOneBefore() throws {
        try host.installAnswering("one", address: "10.1.2.3/24")
        try host.installAnswering("two", address: "10.1.2.4/24")
        let mapping: JSONValue = ["hostPort": 8080, "containerPort": 80, "protocol": "tcp"]
        let chain = try host.chain(list, .list, arguments: "IP=10.1.2.4;IgnoreUnknown=0", portMappings: [mapping])
        let result = try chain.add()
        #expect(result.addresses.map(\.address.description) == ["10.1.2.4/24"])

        let first = try host.input("one", "ADD")
        #expect(first["name"]?.string == "chain")
        #expect(first["cniVersion"]?.string == "0.4.0")
        #expect(first["a"]?.int == 1)
        #expect(first["prevResult"] == nil)
        #expect(first["runtimeConfig"] == nil)
        let second = try host.input("two", "ADD")
        #expect(second["prevResult"]?["ips"]?[0]?["address"]?.string == "10.1.2.3/24")
        #expect(second["runtimeConfig"]?["portMappings"]?[0] == mapping)
        #expect(second["runtimeConfig"]?["ips"]?[0]?.string == "10.1.2.4")
        // Who says so wants unknown arguments to be refused.
        #expect(try host.environment("two", "ADD").contains("CNI_ARGS=IP=10.1.2.4;IgnoreUnknown=0"))

        try chain.check(result.document)
        #expect(chain.delete(result.document).isEmpty)
        #expect(host.runs == ["one ADD", "two ADD", "one CHECK", "two CHECK", "two DEL", "one DEL"])
        for command in ["CHECK", "DEL"] {
            #expect(try host.input("one", command)["prevResult"] == result.document)
            #expect(try host.input("two", command)["runtimeConfig"]?["portMappings"]?[0] == mapping)
        }
    }

    @Test func configurationsBeforeVersion040CannotBeChecked() throws {
        try host.install("one", "echo '{}'")
        let chain = try host.chain(#"{"cniVersion":"0.3.1","name":"n","type":"one"}"#)
        let result = try chain.add()
        try chain.check(result.document)
        _ = chain.delete(result.document)
        #expect(host.runs == ["one ADD", "one DEL"])
        #expect(try host.input("one", "DEL")["prevResult"] == nil)
    }

    @Test func ofAMacvlanAMachineTakesTheAddressOnly() throws {
        try host.install("macvlan", "exit 1")
        try host.install("addresses", #"echo '{"ip4":{"ip":"10.1.2.3/24"}}'"#)
        let chain = try host.chain(
            #"{"name":"lan","type":"macvlan","master":"eth0","ipam":{"type":"addresses"}}"#, addressOnly: true)
        #expect(try chain.add().addresses.count == 1)
        #expect(chain.delete(nil).isEmpty)
        #expect(host.runs == ["addresses ADD", "addresses DEL"])

        let error = #expect(throws: RuntimeError.self) {
            try host.chain(#"{"name":"lan","type":"macvlan","ipam":{"type":"dhcp"}}"#, addressOnly: true)
        }
        #expect(error?.message.contains("dhcp") == true)
    }

    @Test func aPluginThatIsNotInstalledIsLookedForInAllPlaces() throws {
        try FileSystem.makeDirectory(host.plugins.appending("directory"))
        try FileSystem.write("x".utf8, to: host.plugins.appending("no-program"), mode: 0o644)
        for name in ["missing", "directory", "no-program"] {
            let chain = try host.chain(#"{"name":"n","type":"\#(name)"}"#)
            let error = #expect(throws: RuntimeError.self) { try chain.add() }
            #expect(error?.code == .notFound)
            #expect(error?.message.contains("plugin \"\(name)\" of network \"n\" is not installed") == true)
            #expect(error?.message.contains("\(host.scratch.path)/nowhere, \(host.plugins)") == true)
            #expect(chain.delete(nil).map(\.code) == [.notFound])
        }
    }

    @Test(
        arguments: [
            (
                "printf '%s' '{\"cniVersion\":\"0.4.0\",\"code\":100,\"msg\":\"no\\u0007 way\","
                    + "\"details\":\"out of\\nroom\"}'; exit 1",
                "ADD of plugin \"one\" of network \"n\" failed: no way: out of room"
            ),
            (#"echo '{"code":7,"msg":"quiet","details":""}'"#, "failed: quiet"),
            ("echo broken >&2; exit 3", "failed: it ended with exit status 3: broken"),
            ("echo '<html>'; exit 3", "failed: it ended with exit status 3: <html>"),
            ("exit 9", "failed: it ended with exit status 9"),
            ("kill -9 $$", "failed: it ended with signal 9"),
            ("exit 0", "gave a result that cannot be read: line 1, column 1: the document is empty"),
            ("echo hello", "gave a result that cannot be read: line 1, column 1"),
            (#"echo '{"ip4":{"ip":"x/24"}}'"#, "gave a result that cannot be read: ip4.ip: \"x/24\""),
            ("echo '{}{}'", "gave a result that cannot be read: line 1, column 3"),
        ])
    func aFailureIsOneLineThatNamesPluginAndNetwork(body: String, message: String) throws {
        try host.install("one", body)
        let error = #expect(throws: RuntimeError.self) { try host.chain(#"{"name":"n","type":"one"}"#).add() }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\"one\" of network \"n\"") == true)
        #expect(error?.description.contains(where: \.isNewline) == false)
    }

    @Test func anAddressThatIsTakenIsToldInTheUsersWords() throws {
        try host.install(
            "one",
            #"""
            echo '{"code":999,"msg":"failed to allocate: requested IP address 10.0.0.9 is not available in range set x"}'
            exit 1
            """#)
        let chain = try host.chain(#"{"name":"net1","type":"one"}"#, arguments: "IP=10.0.0.9")
        let error = #expect(throws: RuntimeError.self) { try chain.add() }
        #expect(error?.code == .busy)
        #expect(
            error?.message.hasPrefix("requested IP address \"10.0.0.9\" is not available in network: net1") == true)
    }

    @Test func aVersionThatThePluginLacksIsToldWithThoseItHas() throws {
        try host.install(
            "one",
            #"""
            if [ $CNI_COMMAND = VERSION ]; then echo '{"cniVersion":"0.4.0","supportedVersions":["0.1.0","0.4.0"]}'; exit; fi
            echo '{"code":1,"msg":"incompatible CNI versions"}'; exit 1
            """#)
        let error = #expect(throws: RuntimeError.self) {
            try host.chain(#"{"cniVersion":"1.0.0","name":"n","type":"one"}"#).add()
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("versions 0.1.0, 0.4.0") == true)
        #expect(error?.message.contains("cniVersion is 1.0.0") == true)
    }

    // MARK: - Limits

    @Test(.timeLimit(.minutes(5))) func aPluginThatHangsIsKilledWithWhatItHasStarted() async throws {
        try host.install("one", "sleep 600 & echo $! > \(host.scratch.path)/child; sleep 600")
        let chain = try host.chain(#"{"name":"n","type":"one"}"#, limits: ProcessLimits(milliseconds: 300))
        let error = #expect(throws: RuntimeError.self) { try chain.add() }
        #expect(error?.code == .timeout)
        #expect(error?.description.contains("did not end within 300 milliseconds") == true)
        let text = try FileSystem.readText(host.scratch.appending("child"))
        let child = try #require(Int32(text.prefix { $0.isNumber }))
        try await eventually("the end of the plugin's child") { !HostTraces.isAlive(child) }
    }

    @Test(.timeLimit(.minutes(5))) func outputWithoutEndIsRefused() throws {
        try host.install("one", "exec yes")
        let error = #expect(throws: RuntimeError.self) { try host.chain(#"{"name":"n","type":"one"}"#).add() }
        #expect(error?.description.contains("it wrote more than 1048576 bytes") == true)
    }

    @Test(.timeLimit(.minutes(5))) func complaintsWithoutEndAreCut() throws {
        try host.install("one", "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo '{}'")
        _ = try host.chain(#"{"name":"n","type":"one"}"#).add()
        try host.install("one", "head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1")
        let error = #expect(throws: RuntimeError.self) { try host.chain(#"{"name":"n","type":"one"}"#).add() }
        #expect((error?.description.utf8.count ?? .max) < 2000)
    }

    @Test(.timeLimit(.minutes(5))) func aProgramThatAPluginLeavesBehindHoldsNobodyUp() throws {
        try host.install("one", "sleep 600 & echo $! > \(host.scratch.path)/child; echo '{}'")
        _ = try host.chain(#"{"name":"n","type":"one"}"#).add()
        let child = try FileSystem.readText(host.scratch.appending("child"))
        _ = try Program.output("kill", String(child.prefix { $0.isNumber }))
    }

    @Test func allPluginsAreRunForDELWhateverFails() throws {
        try host.install("one", "exit 0")
        try host.install("two", "exit 1")
        let failures = try host.chain(list, .list).delete(nil)
        #expect(failures.count == 1)
        #expect(failures[0].message.contains("DEL of plugin \"two\" of network \"chain\"") == true)
        #expect(host.runs == ["two DEL", "one DEL"])
    }
}
