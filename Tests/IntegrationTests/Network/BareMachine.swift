// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Backends
import GuestProtocol
import Hypervisor
import LinuxPlatform
import Networking
import Stage1
import SystemPackage
import TestSupport

/// A machine that runs one busybox app, with the test in its supervisor's place.
final class BareMachine {
    private let scratch: ScratchDirectory
    private let machine: any VirtualMachine
    private let configuration: PodConfiguration
    private var boot = FrameDecoder()
    /// Why the guest could not go on, in its words.
    private(set) var failure: String?
    /// What the guest wrote on its serial console.
    private(set) var console = ""

    private static let app = "client"
    /// Where the guest mounts the share of app roots.
    private static let roots = "/opt/stage2"

    /// A path in the app's root, on the host.
    func file(_ name: String) -> FilePath {
        scratch.appending("apps").appending(Self.app).appending("rootfs").appending(name)
    }

    /// - Parameter change: what the guest is told otherwise.
    init(
        script: String, interfaces: [JoinedInterface], change: (inout PodConfiguration) -> Void = { _ in }
    ) throws {
        scratch = try ScratchDirectory()
        let apps = scratch.appending("apps")
        let tree = apps.appending(Self.app)
        try FileSystem.makeDirectories(tree)
        _ = try Program.output("tar", "-xpf", BuildProducts.image("busybox").string, "-C", tree.string)
        var configuration = PodConfiguration(
            hostname: "pod", machineID: String(repeating: "5", count: 32),
            interfaces: interfaces.map { PodConfiguration.Interface($0.guest) },
            shares: [.init(type: "virtiofs", tag: "apps", mountPoint: Self.roots)],
            files: UnitGraph(apps: [.init(name: Self.app)]).units.map {
                .init(path: "/run/systemd/system/\($0.name)", content: .text($0.rendered))
            },
            apps: [
                .init(
                    name: Self.app, root: "\(Self.roots)/\(Self.app)/rootfs", exec: ["/bin/sh", "-c", script],
                    environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], capabilityBoundingSet: 1 << 41 - 1)
            ])
        change(&configuration)
        self.configuration = configuration
        let hypervisor = QEMUHypervisor.probe()
        let started = try hypervisor.start(
            MachineSpec(
                name: "rkt-network", uuid: "6733c088-a507-4694-aabf-eda1cf9aee7c", memory: 256, processors: 1,
                kernel: .bundled(BuildProducts.kernel),
                commandLine: .standard(firstProgram: "/usr/lib/rkt/rkt-guest"), root: .block(BuildProducts.guestRoot),
                shares: [.virtiofs(tag: "apps", source: apps, cache: .auto, readOnly: false)],
                network: .interfaces(interfaces.map(MachineInterface.init)), user: 0x7000_0000 + UInt32(getpid()),
                workingDirectory: scratch.path, log: scratch.appending("machine.log")))
        guard let machine = started as? any VirtualMachine else { throw FixtureError("no virtual machine") }
        self.machine = machine
    }

    deinit { machine.release() }

    /// Reads what the guest has to say, and answers it. Throws when the guest or the hypervisor is at its end.
    private func turn() throws {
        let ends = machine.descriptors
        for (index, _) in try Poll.wait(
            [ends.bootPort, ends.agentPort, ends.console].map { ($0, .read) }, timeout: 10)
        {
            let bytes = Self.available([ends.bootPort, ends.agentPort, ends.console][index])
            switch index {
            case 0: try receive(bytes)
            case 2: console += String(decoding: bytes, as: UTF8.self)
            default: break
            }
        }
        if let failure { throw FixtureError("the guest could not be set up: \(failure)") }
        if let end = try machine.process.poll() {
            throw FixtureError("the machine has ended with \(end): \(machine.diagnostics())\n\(console.suffix(2000))")
        }
    }

    /// Turns until something holds. It does not suspend: the hypervisor ends with the thread that has started it.
    func turn(until what: String, _ condition: () throws -> Bool) throws {
        let deadline = Clock.milliseconds + 120_000
        while try !condition() {
            guard Clock.milliseconds < deadline else { throw TimedOut(what, .seconds(120)) }
            try turn()
        }
    }

    private func receive(_ bytes: [UInt8]) throws {
        boot.append(bytes)
        while let frame = try boot.next() {
            switch try GuestMessage(frame) {
            case .hello:
                try UnixSocket.setNonBlocking(machine.descriptors.bootPort, false)
                try FileSystem.writeAll(
                    HostMessage.pod(configuration).frame.encoded, to: machine.descriptors.bootPort)
                try UnixSocket.setNonBlocking(machine.descriptors.bootPort)
            case .failed(let reason): failure = reason
            default: break
            }
        }
    }

    private static func available(_ descriptor: FileDescriptor) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = (try? buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
        return Array(buffer[..<count])
    }
}
