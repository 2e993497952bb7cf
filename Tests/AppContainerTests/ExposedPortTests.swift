// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct ExposedPortTests {
    @Test(
        arguments: [
            ("http:tcp:80:8080", nil, 80, 8080), ("http:udp:53:192.0.2.1:53", "192.0.2.1", 53, 53),
            ("http:tcp:80:[2001:db8::1]:8080", "2001:db8::1", 80, 8080),
        ] as [(String, String?, Int, Int)])
    func aPortOfNoAppHasItsProtocolAndNumber(text: String, address: String?, port: Int, hostPort: Int) throws {
        let exposed = try ExposedPort(parsingWithoutApp: text)
        #expect(exposed.name == "http")
        #expect(exposed.hostIP == address)
        #expect(exposed.hostPort == hostPort)
        #expect(exposed.podPort?.port == port)
        #expect(exposed.podPort?.protocol == (port == 53 ? "udp" : "tcp"))
        // It needs no app to be forwarded.
        #expect(try PodManifest(ports: [exposed]).forwardedPorts { $0.app }.map(\.port.port) == [port])
    }

    @Test(
        arguments: [
            "http", "http:8080", "http:tcp:8080", "http:tcp:web:8080", "http:tcp,port=1:2:3", "http:tcp:0:1",
            "http:tcp:80:0",
            "http:tcp:80:somewhere:8080", ":tcp:80:8080", "http:tcp:70000:1",
        ])
    func whatIsNoneIsRefused(text: String) {
        #expect(throws: ScalarError.self) { try ExposedPort(parsingWithoutApp: text) }
    }
}
