// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import Testing

struct AcceleratorTests {
    private static let usable = AcceleratorFacts(deviceProblem: nil, processorVirtualizes: true)
    private static let closed = AcceleratorFacts(
        deviceProblem: "cannot open /dev/kvm: Permission denied", processorVirtualizes: true)
    private static let software = AcceleratorFacts(deviceProblem: nil, processorVirtualizes: false)

    @Test func `KVM is used where it works, without a warning`() throws {
        #expect(try Self.usable.choose(.auto) == AcceleratorChoice(.kvm))
        #expect(try Self.usable.choose(.kvm) == AcceleratorChoice(.kvm))
    }

    @Test func `emulation on request is no fallback`() throws {
        #expect(try Self.usable.choose(.tcg) == AcceleratorChoice(.tcg))
        #expect(try Self.closed.choose(.tcg) == AcceleratorChoice(.tcg))
    }

    @Test(arguments: [(closed, "Permission denied"), (software, "vmx")])
    func `auto falls back to emulation and says why`(facts: AcceleratorFacts, reason: String) throws {
        let choice = try facts.choose(.auto)
        #expect(choice.accelerator == .tcg)
        #expect(choice.fallbackReason?.contains(reason) == true)
    }

    @Test(arguments: [(closed, "Permission denied"), (software, "vmx")])
    func `kvm refuses, with the reason and a remedy`(facts: AcceleratorFacts, reason: String) {
        let error = #expect(throws: RuntimeError.self) { try facts.choose(.kvm) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(reason) == true)
        #expect(error?.message.contains("tcg") == true)
    }

    @Test(arguments: [
        ("processor\t: 0\nflags\t\t: fpu vmx sse\n", true),
        ("processor\t: 0\nflags\t\t: fpu svm\n", true),
        ("processor\t: 0\nflags\t\t: fpu hypervisor\nvmx flags\t: vnmi\n", false),
        ("model name\t: vmx\nflags\t\t: svme xvmx\n", false),
        ("", false),
    ])
    func `only the flags line counts`(text: String, expected: Bool) {
        #expect(AcceleratorFacts.flagsVirtualize(inProcessorInformation: text) == expected)
    }

    @Test func `a missing device is a problem with its path in it`() {
        let facts = AcceleratorFacts.probe(device: "/nonexistent/kvm")
        #expect(facts.problem?.contains("/nonexistent/kvm") == true)
    }
}
