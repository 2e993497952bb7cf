// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Real guests at the end of a cable: what the host has given an interface works in the machine.
@Suite(.requiresNetworkNamespaces, .requiresBuild, .requiresQEMU, .requires("busybox"), .timeLimit(.minutes(5)))
struct GuestInterfaceTests {
    private static let hardware = "02:00:00:00:00:01"

    /// Looks at its network, pings, gives back what it is sent, and says so in files of its root.
    private static let script = """
        mkdir /out && cd /out
        ip addr show eth0 >addresses; ip route >routes; ip -6 route >routes6
        for target in 10.9.0.1 10.200.0.1; do ping -c 2 -W 5 -s 1372 $target; done >ping 2>&1 || touch failed
        for target in fd09::1 fd0a::1; do ping -6 -c 2 -W 5 -s 1352 $target; done >ping6 2>&1 || touch failed
        touch looked
        mkfifo silence
        nc -l -p 7000 >received <>silence; touch taken
        while ! nc 10.200.0.1 7001 <received; do sleep 0.1; done
        touch given
        sleep 1000
        """

    private func network() throws -> NetworkLab {
        let lab = try NetworkLab()
        try lab.connect("eth0", to: "far0", hardwareAddress: Self.hardware, mtu: 1400)
        for arguments in [
            "addr add 10.9.0.1/24 dev far0", "addr add fd09::1/64 dev far0 nodad", "addr add 10.200.0.1/32 dev lo",
            "addr add fd0a::1/128 dev lo nodad",
        ] { try lab.ip(lab.far, arguments) }
        for arguments in [
            "addr add 10.9.0.2/24 dev eth0", "addr add fd09::2/64 dev eth0 nodad",
            "route add default via 10.9.0.1", "-6 route add default via fd09::1",
        ] { try lab.ip(lab.pod, arguments) }
        return lab
    }

    @Test(arguments: [
        InterfaceJoint.tap(interface: "eth0", guarding: .addresses), .macvtap(interface: "eth0", guarding: .addresses),
    ])
    func `the guest has the interface and is reached by it`(joint: InterfaceJoint) throws {
        let lab = try network()
        let joined = try joint.make(in: lab.pod)
        let machine = try BareMachine(script: Self.script, interfaces: [joined])
        try joined.descriptor.close()
        func wait(for name: String) throws {
            try machine.turn(until: "\(name) in the guest") { FileSystem.exists(machine.file("out/\(name)")) }
        }
        try wait(for: "looked")
        func text(_ name: String) throws -> String { try FileSystem.readText(machine.file("out/\(name)")) }

        let addresses = try text("addresses")
        #expect(addresses.contains("mtu 1400"))
        #expect(addresses.contains("link/ether \(Self.hardware)"))
        #expect(addresses.contains("inet 10.9.0.2/24"))
        #expect(addresses.contains("inet6 fd09::2/64"))
        #expect(!addresses.contains("tentative"))
        #expect(try text("routes").contains("default via 10.9.0.1 dev eth0"))
        #expect(try text("routes6").contains("default via fd09::1 dev eth0"))
        for (name, size) in [("ping", 1380), ("ping6", 1360)] {
            let text = try text(name)
            #expect(text.split(separator: "\n").count { $0.hasPrefix("\(size) bytes from ") } == 4, "\(text)")
        }

        for arguments in ["ping -c 3 -W 5 -s 1372 10.9.0.2", "ping -6 -c 3 -W 5 -s 1352 fd09::2"] {
            let text = try lab.run(lab.far, "busybox", arguments)
            #expect(text.contains("3 packets transmitted, 3 packets received"), "\(text)")
        }

        // A stream in each direction: checksums and segments are left to the interfaces.
        let scratch = try ScratchDirectory()
        let bytes = (0..<(2 << 20)).map { _ in UInt8.random(in: 0...255) }
        try FileSystem.write(bytes, to: scratch.appending("sent"))
        let back = scratch.appending("back")
        let giver = try shell(
            lab, "until busybox nc 10.9.0.2 7000 <\(scratch.appending("sent")); do sleep 0.1; done", scratch)
        defer { giver.killAll() }
        try wait(for: "taken")
        let taker = try shell(
            lab, "mkfifo \(back).silence && exec busybox nc -l -p 7001 >\(back) <>\(back).silence", scratch)
        defer { taker.killAll() }
        try wait(for: "given")
        try machine.turn(until: "the end of the stream") { !taker.isRunning }
        #expect(try FileSystem.read(back) == bytes)
    }

    private func shell(_ lab: NetworkLab, _ command: String, _ scratch: ScratchDirectory) throws -> HostProcess {
        let log = scratch.appending("log-\(Clock.microseconds)")
        return try NetworkNamespace.enter(lab.far) {
            try HostProcess("/bin/sh", ["-c", command], log: log)
        }
    }

    @Test func `a guest that lacks an interface says which, and runs no app`() throws {
        let lab = try network()
        let joined = try InterfaceJoint.tap(interface: "eth0", guarding: .none).make(in: lab.pod)
        defer { try? joined.descriptor.close() }
        let machine = try BareMachine(script: "touch /ran", interfaces: [joined]) { configuration in
            configuration.interfaces[0].hardwareAddress = [2, 0, 0, 0, 0, 9]
        }
        #expect(throws: FixtureError.self) { try machine.turn(until: "the end of the guest") { false } }
        #expect(
            machine.failure
                == "the machine has no network interface with the address 02:00:00:00:00:09, which is to be eth0")
        #expect(!FileSystem.exists(machine.file("ran")))
    }
}
