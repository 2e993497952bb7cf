// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import TestSupport
import Testing

/// What the configuration says of a pod's machine, as a user sees it.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.emulatorOfRkt), .podLogs, .timeLimit(.minutes(5)))
struct MachineConfigurationTests {
    @Test func theMachineIsWhatIsConfigured() async throws {
        try await PodFixture.with { fixture in
            let program = try #require(Program.path(of: "qemu-system-\(GuestArchitecture.host.rawValue)"))
            try fixture.configure(
                "hypervisor",
                #""backend":"qemu","binary":"\#(program)","accelerator":"tcg","minimumIsolation":"emulation""#)
            let run = try await fixture.rkt(
                ["run", "--uuid-file-save=\(fixture.path("uuid"))"] + PodFixture.busybox("echo started", name: "a"))
            #expect(run.status == 0)
            #expect(run.texts(of: "a") == ["started"])
            // Emulation that was asked for is nothing to warn about.
            #expect(!run.error.contains("emulated"))
            let uuid = try FileSystem.readText(fixture.path("uuid")).filter { $0 != "\n" }
            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            let machine = status.value(forKey: "machine")
            #expect(machine?.value(forKey: "backend")?.string == "qemu")
            #expect(machine?.value(forKey: "accelerator")?.string == "tcg")
            #expect(machine?.value(forKey: "isolation")?.string == "emulation")

            let shown = try await fixture.rkt("config")
            for text in ["\(program)", "\"accelerator\"", "\"minimumIsolation\""] {
                #expect(shown.output.contains(text), "\(shown.output)")
            }
            // What starts nothing needs no hypervisor.
            try fixture.configure("hypervisor", #""binary":"/nonexistent/qemu""#)
            #expect(try await fixture.rkt("rm", uuid).status == 0)
        }
    }

    @Test(arguments: [
        (#""accelerator":"tcg","minimumIsolation":"virtualization""#, ["\"emulation\"", "vmx", "minimumIsolation"]),
        (#""binary":"/nonexistent/qemu""#, ["\"/nonexistent/qemu\"", "\"binary\""]),
        (#""profile":"microvm""#, ["machine profile \"microvm\"", "\"profile\""]),
        (#""backend":"lkvm","accelerator":"tcg""#, ["lkvm", "KVM"]),
        (#""backend":"lkvm","volumes":"virtiofs""#, ["lkvm"]),
        (#""backend":"bochs""#, ["hypervisor.d/test.json", "backend", "bochs"]),
    ])
    func whatCannotBeIsRefusedAndLeavesNothing(fields: String, words: [String]) async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("hypervisor", fields)
            let run = try await fixture.rkt(["run"] + PodFixture.busybox("echo started", name: "a"))
            #expect(run.status == 254)
            #expect(!run.output.contains("started"))
            for word in words { #expect(run.error.contains(word), "\(run.error)") }
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }
}
