// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostConfiguration
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct HypervisorConfigurationTests {
    private func file(_ fields: String) -> String { #"{"rktKind":"hypervisor","rktVersion":"v1"\#(fields)}"# }

    @Test func laterDirectoriesCountMore() throws {
        let fixture = try ConfigurationFixture()
        #expect(try fixture.read()[HypervisorConfiguration.self].volumes == nil)
        try fixture.write("system", "hypervisor.d/a.json", file(#","volumes":"9p""#))
        #expect(try fixture.read()[HypervisorConfiguration.self].volumes == .plan9)
        try fixture.write("local", "hypervisor.d/a.json", file(#","volumes":"virtiofs""#))
        try fixture.write("local", "hypervisor.d/b.json", file(#","interfaces":"macvtap""#))
        // What says nothing changes nothing, nor does what this kind does not have.
        try fixture.write("user", "hypervisor.d/a.json", file(#","colour":"red""#))
        let configuration = try fixture.read()
        #expect(configuration[HypervisorConfiguration.self].volumes == .virtiofs)
        #expect(configuration[HypervisorConfiguration.self].interfaces == .macvtap)
        #expect(
            configuration.json.encoded()
                == #"{"stage0":[{"rktVersion":"v1","rktKind":"hypervisor","volumes":"virtiofs","#
                + #""interfaces":"macvtap"}]}"#)
    }

    @Test(arguments: [
        "", #","volumes":"9p""#, #","volumes":"virtiofs""#, #","interfaces":"tap""#,
        #","volumes":"9p","interfaces":"macvtap""#,
    ])
    func whatIsLeftForAPodIsReadAgain(fields: String) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", "hypervisor.d/a.json", file(fields))
        let configured = try fixture.read()[HypervisorConfiguration.self]
        let left = fixture.scratch.appending("hypervisor.json")
        #expect(try HypervisorConfiguration(pod: left).volumes == nil)
        try configured.write(pod: left)
        #expect(try HypervisorConfiguration(pod: left) == configured)
        try FileSystem.write(#"{"rktKind":"paths","rktVersion":"v1"}"#.utf8, to: left)
        #expect(throws: RuntimeError.self) { try HypervisorConfiguration(pod: left) }
    }
}
