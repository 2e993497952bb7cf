// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

/// Real machines: a kernel without a root file system boots to a panic.
@Suite(.enabled(if: LaunchFixture.canBoot, "needs QEMU and a kernel"), .serialized, .timeLimit(.minutes(5)))
struct QEMUMachineTests {
    /// Boots; the kernel waits for ever unless told what to do.
    private func start(_ fixture: LaunchFixture, change: (inout MachineSpec) -> Void = { _ in }) throws
        -> any VirtualMachine
    {
        var spec = fixture.spec
        if let kernel = LaunchFixture.kernel { spec.kernel = .bundled(kernel) }
        change(&spec)
        let hypervisor = QEMUHypervisor(installation: LaunchFixture.installation, accelerators: .none)
        return try #require(try hypervisor.start(spec) as? any VirtualMachine)
    }

    /// Reads the console and the events until the control channel closes, as a supervisor's loop does.
    private func run(_ machine: any VirtualMachine) throws -> (console: String, events: [MachineEvent]) {
        var console: [UInt8] = []
        var events: [MachineEvent] = []
        let deadline = Clock.milliseconds + 120_000
        var portion = [UInt8](repeating: 0, count: 4096)
        while events.last != .controlClosed, Clock.milliseconds < deadline {
            let sources = [(machine.descriptors.console, Poll.Interest.read), (machine.descriptors.control, .read)]
            for (index, _) in try Poll.wait(sources, timeout: 1000) {
                if index == 1 {
                    events += try machine.readControlEvents()
                } else {
                    // At its end the console reads nothing, or reports that the other side is gone.
                    let count = try? portion.withUnsafeMutableBytes { try machine.descriptors.console.read(into: $0) }
                    console += portion[..<(count ?? 0)]
                }
            }
        }
        return (String(decoding: console, as: UTF8.self), events)
    }

    @Test func `a panic is reported, the machine ends with a failure, and nothing is left`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture)
            #expect(machine.accelerator == AcceleratorChoice(.tcg))
            #expect(machine.hypervisorVersion.first?.isNumber == true)
            let (console, events) = try run(machine)
            #expect(console.contains("Kernel panic"))
            #expect(events == [.guestPanicked(nil), .controlClosed])
            #expect(try machine.wait() == .exited(1))
            #expect(try machine.wait() == .exited(1))
            machine.release()
            machine.release()
            try fixture.expectNothingLeft()
            #expect(try FileSystem.readText(fixture.spec.log) == "")
        }
    }

    @Test(.enabled(if: LaunchFixture.hasVirtiofsd, "needs virtiofsd and root"))
    func `shares do not keep a machine from starting, nor from ending`() throws {
        try LaunchFixture.with { fixture in
            let source = fixture.directory.appending("a,b c")
            try FileSystem.makeDirectory(source)
            let machine = try start(fixture) {
                $0.shares = [
                    .virtiofs(tag: "apps", source: source, cache: .auto, readOnly: false),
                    .plan9(tag: "data", source: source, readOnly: true),
                ]
                $0.processors = 2
            }
            #expect(machine.shareServers.count == 1)
            try machine.stop(.force)
            #expect(try machine.wait() == .signalled(9))
            machine.release()
            try fixture.expectNothingLeft()
        }
    }

    @Test func `a guest that ignores its power button is ended by the next step`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture)
            defer { machine.release() }
            try machine.stop(
                .orderly([
                    TeardownStep(.powerButton, patience: .milliseconds(50)),
                    TeardownStep(.terminate, patience: .seconds(20)),
                ]))
            #expect(try machine.wait() == .exited(0))
            #expect(try machine.readControlEvents().contains(.hostShutdown(reason: "host-signal")))
        }
    }

    @Test func `a released machine has ended and refuses further use`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture)
            machine.release()
            try fixture.expectNothingLeft()
            #expect(try machine.wait() == .signalled(9))
            #expect(throws: RuntimeError.self) { try machine.pressPowerButton() }
            try machine.stop(.force)
        }
    }
}
