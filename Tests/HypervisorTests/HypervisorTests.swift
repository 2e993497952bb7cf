// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import Synchronization
import Testing

struct HypervisorTests {
    private static let spec = MachineSpec(
        name: "test", uuid: "6733c088-a507-4694-aabf-eda1cf9aee7c", memory: 128, processors: 1,
        kernel: .bundled("/nonexistent/vmlinux"), commandLine: KernelCommandLine(), root: .block("/dev/null"),
        workingDirectory: "/", log: "/dev/null")

    @Test func `a missing kernel is refused before anything is launched, and named`() {
        let stub = StubHypervisor()
        let error = #expect(throws: RuntimeError.self) { try stub.start(Self.spec) }
        #expect(error?.code == .notFound)
        #expect(error?.description.contains("the guest kernel") == true)
        #expect(error?.description.contains("/nonexistent/vmlinux") == true)
        #expect(stub.launches.withLock { $0 }.isEmpty)
    }

    @Test func `a root image that is no file is refused`() {
        var spec = Self.spec
        spec.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        let error = #expect(throws: RuntimeError.self) { try StubHypervisor().preflight(spec) }
        #expect(error?.message == "the guest root image \"/dev/null\" is not a regular file")
    }

    @Test func `the source of a share has to be a directory`() {
        var spec = Self.spec
        spec.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        spec.root = .directory("/")
        spec.shares = [.plan9(tag: "data", source: "/dev/null", readOnly: true)]
        let error = #expect(throws: RuntimeError.self) { try StubHypervisor().preflight(spec) }
        #expect(error?.message == "the source of share \"data\" \"/dev/null\" is not a directory")
    }

    @Test(
        arguments: [
            (IsolationLevel.chroot, IsolationLevel.chroot, true), (.confined, .emulation, true),
            (.virtualization, .virtualization, true), (.emulation, .virtualization, false),
            (.container, .emulation, false), (.virtualization, .confined, false),
        ] as [(IsolationLevel, IsolationLevel, Bool)])
    func `a pod that would be isolated by less than is wanted is not started`(
        level: IsolationLevel, least: IsolationLevel, starts: Bool
    ) throws {
        var spec = Self.spec
        spec.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        spec.root = .directory("/")
        spec.minimumIsolation = least
        let stub = StubHypervisor(level: level)
        guard !starts else {
            try stub.preflight(spec)
            _ = try stub.start(spec)
            return
        }
        let refusals = [
            #expect(throws: RuntimeError.self) { try stub.preflight(spec) },
            #expect(throws: RuntimeError.self) { try stub.start(spec) },
        ]
        for error in refusals {
            #expect(error?.code == .unsupported)
            for word in ["\"\(level.rawValue)\"", "\"\(least.rawValue)\"", least.requirement] {
                #expect(error?.message.contains(word) == true, "\(String(describing: error))")
            }
        }
        #expect(stub.launches.withLock { $0 }.isEmpty)
    }

    @Test func `levels of isolation are in order`() {
        #expect(IsolationLevel.allCases.sorted() == [.chroot, .container, .emulation, .virtualization, .confined])
    }

    @Test func `a backend that does not say how it isolates is taken for the weakest that it can be`() throws {
        #expect(try SilentHypervisor(capabilities: []).isolation(of: Self.spec) == .chroot)
        #expect(try SilentHypervisor(capabilities: .ownKernel).isolation(of: Self.spec) == .emulation)
    }

    @Test func `what is bound has to be there, except what the pod makes itself`() throws {
        var spec = Self.spec
        spec.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        spec.root = .directory("/")
        spec.workingDirectory = "/nonexistent/pod"
        spec.shares = [.bind(source: "/nonexistent/pod/later", target: "/a", isRecursive: false, readOnly: false)]
        try StubHypervisor().preflight(spec)
        spec.shares.append(.bind(source: "/nonexistent/other", target: "/b", isRecursive: false, readOnly: false))
        let error = #expect(throws: RuntimeError.self) { try StubHypervisor().preflight(spec) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("/nonexistent/other") == true)
    }

    @Test func `the plan is shown before it is launched`() throws {
        var spec = Self.spec
        spec.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        spec.root = .directory("/")
        let stub = StubHypervisor()
        var shown: [String] = []
        let machine = try stub.start(spec) { plan in
            #expect(stub.launches.withLock { $0 }.isEmpty)
            shown.append(plan)
        }
        #expect(shown == ["plan of test"])
        #expect(stub.launches.withLock { $0 } == shown)
        #expect(machine.id == "stub")
    }
}

/// Plans by name and records what is launched.
private final class StubHypervisor: MachineHypervisor {
    let launches = Mutex<[String]>([])
    let kind = HypervisorKind.qemu
    let capabilities: HypervisorCapabilities = []
    let acceptedAttachments: Set<NetworkAttachment.Kind> = []
    private let level: IsolationLevel

    init(level: IsolationLevel = .confined) { self.level = level }

    func isolation(of spec: MachineSpec) throws -> IsolationLevel { level }

    func plan(for spec: MachineSpec) throws -> String { "plan of \(spec.name)" }

    func launch(_ plan: String) throws -> any Machine {
        launches.withLock { $0.append(plan) }
        return StubMachine()
    }
}

/// Says nothing of how it isolates.
private struct SilentHypervisor: Hypervisor {
    let kind = HypervisorKind.qemu
    let capabilities: HypervisorCapabilities
    let acceptedAttachments: Set<NetworkAttachment.Kind> = []
    func plan(for spec: MachineSpec) throws -> String { "" }
}

private final class StubMachine: Machine {
    let id = "stub"
    func wait() throws -> ProcessExit { .exited(0) }
    func stop(_ mode: StopMode) throws {}
    func release() {}
}
