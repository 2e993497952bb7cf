// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Glibc
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What becomes of a plan, with a program in lkvm's place.
@Suite(.requires("python3"), .timeLimit(.minutes(5)))
struct LKVMLaunchTests {
    private func start(
        _ fixture: LaunchFixture, insert: String = "", change: (inout MachineSpec) -> Void = { _ in }
    ) throws -> any VirtualMachine {
        let program = fixture.directory.appending("lkvm-program")
        try FakeLKVM.write(to: program, arguments: fixture.directory.appending("arguments"), insert: insert)
        var spec = fixture.spec
        spec.accelerator = .auto
        change(&spec)
        let hypervisor = LKVMHypervisor(
            installation: LKVMInstallation(program: program), accelerators: .kvm)
        return try #require(try hypervisor.start(spec) as? any VirtualMachine)
    }

    /// Reads from a descriptor until it has given what is wanted, or something is wrong.
    private func read(_ descriptor: FileDescriptor, until isEnough: ([UInt8]) -> Bool) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isEnough(bytes), !(try Poll.wait([(descriptor, .read)], timeout: 20_000)).isEmpty {
            let got = (try? buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
            guard got > 0 else { break }
            bytes += buffer[..<got]
        }
        return bytes
    }

    /// Reads what the machine reports until its end.
    private func events(_ machine: any VirtualMachine) throws -> [MachineEvent] {
        var events: [MachineEvent] = []
        while events.last != .controlClosed {
            guard !(try Poll.wait([(machine.descriptors.control, .read)], timeout: 20_000)).isEmpty else { break }
            events += try machine.readControlEvents()
        }
        return events
    }

    @Test func `ports carry every byte, and a guest that restarts has ended in order`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture) {
                $0.shares = [.plan9(tag: "data", source: fixture.directory, readOnly: false)]
            }
            #expect(machine.hypervisorVersion == "kvm tool 3.18.0")
            #expect(machine.accelerator == AcceleratorChoice(.kvm))
            let escape = try #require(machine.descriptors.portEscape)
            let all = (0...255).map { UInt8($0) }
            try FileSystem.writeAll(
                all.flatMap { $0 == escape ? [$0, $0] : [$0] }, to: machine.descriptors.bootPort)
            #expect(try read(machine.descriptors.bootPort) { $0.count >= all.count } == all)
            // What a terminal holds is lost when its other end is closed, so the last word is not waited for.
            try FileSystem.writeAll(Array("end".utf8), to: machine.descriptors.bootPort)
            let shown = try read(machine.descriptors.console) {
                String(decoding: $0, as: UTF8.self).hasSuffix("console\n")
            }
            #expect(String(decoding: shown, as: UTF8.self).hasSuffix("console\n"))
            #expect(try events(machine) == [.guestShutdown, .controlClosed])
            #expect(try machine.wait() == .exited(0))
            #expect(try machine.wait() == .exited(0))
            #expect(machine.diagnostics().hasSuffix("a word of its own"))
            let words = try FileSystem.readText(fixture.directory.appending("arguments")).split(separator: "\n")
            #expect(words.contains("\(fixture.directory),data"))
            #expect(
                words.contains { $0.hasSuffix(" quiet 8250.nr_uarts=4 rkt.boot=ttyS1 rkt.agent=ttyS3 rkt.end=restart") }
            )
            machine.release()
            machine.release()
            #expect(machine.diagnostics().hasSuffix("a word of its own"))
            #expect(!FileSystem.exists(fixture.directory.appending("lkvm")))
            try fixture.expectNothingLeft()
        }
    }

    @Test(arguments: [
        ("sys.exit('no such switch')", "lkvm ended with exit status 1 before the guest was started: no such switch"),
        (
            "print('Fatal: \\x1b[1mno KVM'); sys.exit(3)",
            "lkvm ended with exit status 3 before the guest was started: Fatal: ?[1mno KVM"
        ),
    ])
    func `a program that ends at once is an error with its status and last words`(insert: String, text: String) throws {
        try LaunchFixture.with { fixture in
            let error = #expect(throws: RuntimeError.self) { try start(fixture, insert: insert) }
            #expect(error?.description == text)
            try fixture.expectNothingLeft()
        }
    }

    @Test func `a program that cannot be executed is named`() throws {
        try LaunchFixture.with { fixture in
            var spec = fixture.spec
            spec.accelerator = .auto
            let hypervisor = LKVMHypervisor(
                installation: LKVMInstallation(program: "/nonexistent/lkvm"), accelerators: .kvm)
            let error = #expect(throws: RuntimeError.self) { try hypervisor.start(spec) }
            #expect(error?.description.contains("/nonexistent/lkvm") == true)
        }
    }

    /// As a supervisor that learns of the end first and then asks once what was told.
    @Test func `an end in order is told at once, however much is unread and whoever has its messages open`() throws {
        try LaunchFixture.with { fixture in
            let path = fixture.directory.appending("gate")
            #expect(mkfifo(path.string, 0o600) == 0)
            let gate = try FileDescriptor.open(path, .readWrite, options: [.closeOnExec])
            // A descendant stays until the gate is closed; much is said at the end.
            let insert = """
                import atexit
                if os.fork() == 0:
                    open("\(path)").read()
                    os._exit(0)
                atexit.register(lambda: print("x" * 60000 + "\\nthe last word", file=sys.stderr, flush=True))
                """
            let machine = try start(fixture, insert: insert)
            defer { machine.release() }
            try FileSystem.writeAll(Array("end".utf8), to: machine.descriptors.bootPort)
            #expect(try machine.wait() == .exited(0))
            #expect(try machine.readControlEvents() == [.guestShutdown, .controlClosed])
            #expect(machine.diagnostics().hasSuffix("the last word"))
            #expect(try machine.readControlEvents() == [])
            try gate.close()
            machine.release()
            try fixture.expectNothingLeft()
        }
    }

    @Test(arguments: [("os.kill(os.getpid(), 9)", ProcessExit.signalled(9)), ("os._exit(3)", .exited(3))])
    func `an end of its own is not the guest's`(end: String, exit: ProcessExit) throws {
        try LaunchFixture.with { fixture in
            let insert = "import atexit\natexit.register(lambda: \(end))"
            let machine = try start(fixture, insert: insert)
            defer { machine.release() }
            try FileSystem.writeAll(Array("end".utf8), to: machine.descriptors.bootPort)
            #expect(try events(machine) == [.controlClosed])
            for _ in 0..<2 { #expect(try machine.wait() == exit) }
            #expect(try machine.process.poll() == exit)
        }
    }

    @Test func `there is no power button, and the next step ends the machine at once`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture)
            defer { machine.release() }
            let error = #expect(throws: RuntimeError.self) { try machine.pressPowerButton() }
            #expect(error?.code == .unsupported)
            try machine.stop(
                .orderly([
                    TeardownStep(.powerButton, patience: .seconds(600)),
                    TeardownStep(.terminate, patience: .seconds(20)),
                ]))
            #expect(try machine.wait() == .signalled(15))
            #expect(try events(machine) == [.controlClosed])
        }
    }

    @Test func `a released machine has ended`() throws {
        try LaunchFixture.with { fixture in
            let machine = try start(fixture)
            machine.release()
            #expect(try machine.wait() == .signalled(9))
            try machine.stop(.force)
            try fixture.expectNothingLeft()
        }
    }

    @Test(.requiresRoot)
    func `it runs as its own user, and cannot write to what is shared read-only`() throws {
        try LaunchFixture.with { fixture in
            let shared = fixture.directory.appending("shared"), other = fixture.directory.appending("other")
            for directory in [shared, other] { try FileSystem.makeDirectory(directory, mode: 0o777) }
            let report = fixture.directory.appending("report")
            try FileSystem.write([], to: report, mode: 0o666)
            try FileSystem.write([], to: fixture.directory.appending("arguments"), mode: 0o666)
            let insert = """
                def writes(path):
                    try:
                        open(path, "w").close()
                        return True
                    except OSError:
                        return False
                open("\(report)", "w").write("%d %s %s" % (
                    os.getuid(), writes("\(shared)/file"), writes("\(other)/file")))
                """
            let machine = try start(fixture, insert: insert) {
                $0.user = 0x7000_0001
                $0.shares = [
                    .plan9(tag: "shared", source: shared, readOnly: true),
                    .plan9(tag: "other", source: other, readOnly: false),
                ]
            }
            defer { machine.release() }
            #expect(try FileSystem.readText(report) == "\(0x7000_0001) False True")
            #expect(!FileSystem.exists(shared.appending("file")))
        }
    }
}
