// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import Networking
import Testing

struct NetworkResultTests {
    private func decode(_ text: String, _ version: CNIVersion = .v0_1_0) throws -> NetworkResult {
        try NetworkResult(JSONValue(parsing: Array(text.utf8)), version: version)
    }

    @Test func theFirstVersionsTellOneAddressOfEachFamily() throws {
        let result = try decode(
            """
            {"ip4":{"ip":"10.1.2.3/24","gateway":"10.1.2.1","routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.1.1/16","gw":"10.1.2.9"}]},
             "ip6":{"ip":"fd00::3/64"},"dns":{"nameservers":["10.1.2.1"],"domain":"example.com","search":["a","b"],"options":["rotate"]}}
            """)
        #expect(result.addresses.map(\.address.description) == ["10.1.2.3/24", "fd00::3/64"])
        #expect(result.addresses.map { $0.gateway?.description } == ["10.1.2.1", nil])
        #expect(result.routes.map(\.destination.description) == ["0.0.0.0/0", "10.9.0.0/16"])
        #expect(result.routes.map { $0.gateway?.description } == [nil, "10.1.2.9"])
        #expect(result.dns.nameservers.map(\.description) == ["10.1.2.1"])
        #expect(result.dns.domain == "example.com")
        #expect(result.dns.search == ["a", "b"])
        #expect(result.interfaces.isEmpty)
        #expect(result.address(isIPv4: true)?.mask.description == "255.255.255.0")
    }

    @Test(arguments: ["0.3.0", "0.3.1", "0.4.0", "1.0.0"])
    func laterVersionsTellInterfacesAndLists(version: String) throws {
        let result = try decode(
            """
            {"cniVersion":"\(version)","interfaces":[{"name":"veth1","mac":"2A:6D:F2:8E:92:F3"},
              {"name":"eth0","mac":"82:a6:41:f7:2e:6b","sandbox":"/var/run/netns/x"}],
             "ips":[{"version":"4","interface":1,"address":"172.16.28.2/24","gateway":"172.16.28.1"},
              {"interface":1,"address":"fd00::2/64"}],"routes":[{"dst":"0.0.0.0/0"}],"dns":{}}
            """)
        #expect(result.interfaces.map(\.name) == ["veth1", "eth0"])
        #expect(result.interfaces[0].mac == "2a:6d:f2:8e:92:f3")
        #expect(result.interfaces[0].sandbox == nil)
        #expect(result.interfaces[1].sandbox == "/var/run/netns/x")
        #expect(result.addresses.map(\.interface) == [1, 1])
        #expect(result.dns == NetworkResult.DNS())
    }

    @Test func theConfigurationsVersionCountsWhereTheResultNamesNone() throws {
        #expect(try decode(#"{"ips":[{"address":"10.0.0.2/8"}]}"#, .v1_0_0).addresses.count == 1)
        #expect(try decode("{}").addresses.isEmpty)
    }

    @Test(
        arguments: [
            ("[]", "expected an object"),
            (#"{"cniVersion":"7"}"#, "cniVersion"),
            (#"{"ip4":{"ip":"10.1.2.3"}}"#, "ip4.ip"),
            (#"{"ip4":{"ip":"10.1.2.3/33"}}"#, "ip4.ip"),
            (#"{"ip4":{"ip":"fd00::1/64"}}"#, "other family"),
            (#"{"ip6":{"ip":"fd00::1/64","gateway":"x"}}"#, "ip6.gateway"),
            (#"{"ip4":{"ip":"10.1.2.3/24","routes":[{"dst":"0.0.0.0"}]}}"#, "ip4.routes[0].dst"),
            (#"{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.4/+8"}]}"#, "ips[0].address"),
            (#"{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.4/8","interface":0}]}"#, "ips[0].interface"),
            (#"{"cniVersion":"1.0.0","ips":[{"address":"1.2.3.4/8","gateway":"::1"}]}"#, "ips[0].gateway"),
            (#"{"cniVersion":"1.0.0","ips":{}}"#, "ips: expected a list"),
            (#"{"cniVersion":"1.0.0","interfaces":[{"name":"../../etc"}]}"#, "interfaces[0].name"),
            (#"{"cniVersion":"1.0.0","interfaces":[{"name":"sixteen-letters-"}]}"#, "interfaces[0].name"),
            (#"{"cniVersion":"1.0.0","interfaces":[{"name":"a","mac":"12:34"}]}"#, "interfaces[0].mac"),
            (#"{"dns":{"nameservers":["8.8.8.8\nsearch evil"]}}"#, "dns.nameservers[0]"),
            (#"{"dns":{"domain":"a b"}}"#, "dns.domain"),
        ])
    func junkIsRefusedWithItsPlace(text: String, place: String) throws {
        let error = #expect(throws: FormatError.self) { try decode(text) }
        #expect(error?.description.contains(place) == true, "\(error?.description ?? "")")
    }

    @Test func listsWithoutEndAreRefused() throws {
        let routes = [String](repeating: #"{"dst":"10.0.0.0/8"}"#, count: 5000).joined(separator: ",")
        let error = #expect(throws: FormatError.self) { try decode(#"{"cniVersion":"1.0.0","routes":[\#(routes)]}"#) }
        #expect(error?.place == "routes")
    }
}
