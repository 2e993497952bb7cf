// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostConfiguration
import Hypervisor
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

    @Test(
        arguments: [(nil, nil), ("chroot", nil), ("container", "container"), ("confined", "confined")]
            as [(String?, String?)])
    func theWeakestIsolationDemandsNothing(minimum: String?, demanded: String?) throws {
        let fixture = try ConfigurationFixture()
        if let minimum {
            try fixture.write("local", "hypervisor.d/a.json", file(#","minimumIsolation":"\#(minimum)""#))
        }
        #expect(try fixture.read()[HypervisorConfiguration.self].demandedIsolation == demanded)
    }

    @Test func contextsOfPodsCanBeTurnedOff() throws {
        let fixture = try ConfigurationFixture()
        #expect(try fixture.read()[HypervisorConfiguration.self].labels == nil)
        try fixture.write("system", "hypervisor.d/a.json", file(#","selinux":"off""#))
        let configuration = try fixture.read()
        #expect(configuration[HypervisorConfiguration.self].labels == .off)
        #expect(configuration.json.encoded().contains(#""selinux":"off""#))
        try fixture.write("local", "hypervisor.d/a.json", file(#","selinux":"auto""#))
        #expect(try fixture.read()[HypervisorConfiguration.self].labels == .auto)
        try fixture.write("user", "hypervisor.d/a.json", file(#","selinux":"no""#))
        let error = #expect(throws: (any Error).self) { try fixture.read() }
        #expect("\(String(describing: error))".contains("use auto or off"))
    }

    @Test func eachFieldOfTheMachineIsOverriddenByItself() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write(
            "system", "hypervisor.d/a.json",
            file(#","backend":"qemu","binary":"/opt/qemu","accelerator":"auto","minimumIsolation":"confined""#))
        try fixture.write("local", "hypervisor.d/a.json", file(#","accelerator":"kvm","profile":"q35""#))
        try fixture.write("user", "hypervisor.d/a.json", file(#","minimumIsolation":"virtualization""#))
        let configuration = try fixture.read()
        let machine = configuration[HypervisorConfiguration.self]
        #expect(machine.backend == .qemu)
        #expect(machine.binary == "/opt/qemu")
        #expect(machine.accelerator == .kvm)
        #expect(machine.profile == .q35)
        #expect(machine.minimumIsolation == .virtualization)
        #expect(
            configuration.json.encoded()
                == #"{"stage0":[{"rktVersion":"v1","rktKind":"hypervisor","backend":"qemu","binary":"/opt/qemu","#
                + #""accelerator":"kvm","profile":"q35","minimumIsolation":"virtualization"}]}"#)
    }

    @Test func theSizeOfASandboxIsReadInAnyUnitAndKeptInBytes() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("system", "hypervisor.d/a.json", file(#","sandbox":{"memory":"2Gi","cpu":2}"#))
        try fixture.write("local", "hypervisor.d/a.json", file(#","sandbox":{"cpu":"4"}"#))
        let configuration = try fixture.read()[HypervisorConfiguration.self]
        #expect(configuration.sandbox.memory == 2 << 30)
        #expect(configuration.sandbox.processors == 4)
        let scratch = try ScratchDirectory()
        defer { scratch.close() }
        try configuration.write(pod: scratch.appending("hypervisor.json"))
        let text = try FileSystem.readText(scratch.appending("hypervisor.json"))
        #expect(text.contains(#""sandbox":{"memory":2147483648,"cpu":4}"#), "\(text)")
        #expect(try HypervisorConfiguration(pod: scratch.appending("hypervisor.json")) == configuration)
    }

    @Test(
        arguments: [
            (#","backend":"lkvm""#, nil), (#","backend":"qemu""#, "/opt/qemu"), (#","volumes":"9p""#, "/opt/qemu"),
            (#","binary":"/opt/other""#, "/opt/other"), (#","backend":"lkvm","binary":"/opt/lkvm""#, "/opt/lkvm"),
        ] as [(String, String?)])
    func theProgramOfOneBackendIsNoneOfAnothers(later: String, expected: String?) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("system", "hypervisor.d/a.json", file(#","backend":"qemu","binary":"/opt/qemu""#))
        try fixture.write("local", "hypervisor.d/a.json", file(later))
        #expect(try fixture.read()[HypervisorConfiguration.self].binary?.string == expected)
    }

    @Test(arguments: [
        (#","backend":"bochs""#, "backend: \"bochs\" is not a known backend: use qemu, lkvm, libvirt, nspawn or fly"),
        (#","accelerator":"fast""#, "accelerator: \"fast\" is not a known accelerator: use auto, kvm or tcg"),
        (#","profile":"pc""#, "profile: \"pc\" is not a known machine profile: use q35, microvm or virt"),
        (
            #","minimumIsolation":"some""#,
            "minimumIsolation: \"some\" is not a known level of isolation: use chroot, container, emulation, virtualization or "
                + "confined"
        ),
        (#","binary":"lkvm""#, "binary: \"lkvm\" is not an absolute path"),
        (#","binary":["/lkvm"]"#, "binary: expected a string"),
    ])
    func whatCannotBeIsRefusedWithFileAndField(fields: String, text: String) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", "hypervisor.d/a.json", file(fields))
        let error = #expect(throws: RuntimeError.self) { try fixture.read() }
        #expect(error?.message.contains("hypervisor.d/a.json\": \(text)") == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        #","backend":"qemu""#, #","binary":"/x""#, #","accelerator":"kvm""#, #","profile":"q35""#,
        #","minimumIsolation":"chroot""#,
    ])
    func theSameFieldTwiceInADirectoryIsRefused(fields: String) throws {
        let fixture = try ConfigurationFixture()
        for name in ["a", "b"] { try fixture.write("local", "hypervisor.d/\(name).json", file(fields)) }
        let error = #expect(throws: RuntimeError.self) { try fixture.read() }
        #expect(error?.message.contains("b.json") == true)
        #expect(error?.message.contains("another file") == true)
    }

    @Test(arguments: [
        "", #","volumes":"9p""#, #","volumes":"virtiofs""#, #","interfaces":"tap""#,
        #","volumes":"9p","interfaces":"macvtap""#,
        #","backend":"lkvm","binary":"/opt/lkvm","accelerator":"kvm","profile":"q35","minimumIsolation":"confined""#,
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
