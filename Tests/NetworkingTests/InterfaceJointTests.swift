// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Interfaces that are joined, with a test in the machine's place.
@Suite(.requiresNetworkNamespaces) struct InterfaceJointTests {
    private let lab: NetworkLab
    private static let hardware = "02:00:00:00:00:01"

    init() throws {
        lab = try NetworkLab()
        try lab.connect("eth0", to: "far0", hardwareAddress: Self.hardware, mtu: 1400)
        try Self.settle(lab)
        try lab.ip(lab.far, "addr add 10.9.0.1/24 dev far0")
        for arguments in [
            "addr add 10.9.0.2/24 brd + dev eth0", "addr add fd09::2/64 dev eth0 nodad",
            "route add default via 10.9.0.1", "-6 route add default via fd09::1",
        ] { try lab.ip(lab.pod, arguments) }
    }

    /// Kernels see a cable and make link-local addresses a moment after both ends are up.
    private static func settle(_ lab: NetworkLab) throws {
        let deadline = Clock.milliseconds + 10_000
        for (namespace, name) in [(lab.pod, "eth0"), (lab.far, "far0")] {
            while try !lab.ip(namespace, "-o link show \(name)").contains("state UP")
                || !lab.ip(namespace, "-o addr show \(name)").contains("fe80::")
            {
                guard Clock.milliseconds < deadline else { throw TimedOut("a settled cable", .seconds(10)) }
            }
        }
    }

    private static let kinds: [InterfaceJoint] = [
        .tap(interface: "eth0", guarding: .addresses), .macvtap(interface: "eth0", guarding: .addresses),
    ]

    @Test(arguments: kinds) func `the guest gets what the interface had, which has nothing then`(
        kind: InterfaceJoint
    ) throws {
        let joined = try kind.make(in: lab.pod)
        defer { try? joined.descriptor.close() }
        #expect(joined.guest.name == "eth0")
        #expect(joined.guest.hardwareAddress.description == Self.hardware)
        #expect(joined.guest.mtu == 1400)
        #expect(Set(joined.guest.addresses.map(\.description)) == ["10.9.0.2/24", "fd09::2/64"])
        #expect(joined.guest.addresses.first { $0.address.family == .v4 }?.broadcast == IPAddress("10.9.0.255"))
        #expect(
            joined.guest.routes.map(\.description).sorted() == [
                "0.0.0.0/0 via 10.9.0.1", "10.9.0.0/24", "::/0 via fd09::1", "fd09::/64",
            ])
        #expect(joined.guest.routes.prefix(2).allSatisfy { $0.gateway == nil })

        #expect(try lab.ip(lab.pod, "-o addr show dev eth0") == "")
        #expect(try lab.ip(lab.pod, "-4 route") == "")
        #expect(try lab.ip(lab.pod, "-6 route") == "")
        #expect(try lab.ip(lab.pod, "-o link show eth0").contains(",UP"))
    }

    @Test(arguments: kinds) func `undone, the interface is as before`(kind: InterfaceJoint) throws {
        let before = try lab.state(lab.pod).map(Self.withoutOrigin).sorted()
        let joined = try kind.make(in: lab.pod)
        try joined.descriptor.close()
        for _ in 0..<2 { try InterfaceJoint.undo(joined.guest, in: lab.pod) }
        #expect(try lab.state(lab.pod).map(Self.withoutOrigin).sorted() == before)
        #expect(try lab.run(lab.pod, "tc", "qdisc show dev eth0 ingress") == "")

        try lab.ip(lab.pod, "link delete eth0")
        try InterfaceJoint.undo(joined.guest, in: lab.pod)
    }

    /// Lines without what tells who made an address or a route.
    private static func withoutOrigin(_ line: String) -> String {
        [" proto kernel", " proto boot", " proto kernel_ll", " nodad", " noprefixroute"].reduce(line) { text, word in
            text.replacing(word, with: "")
        }.split(separator: " ").joined(separator: " ")
    }

    @Test(arguments: kinds) func `it is written down before anything is changed`(kind: InterfaceJoint) throws {
        let before = try lab.state(lab.pod)
        var recorded: GuestInterface?
        #expect(throws: Errno.noSpace) {
            try kind.make(in: lab.pod) { guest in
                recorded = guest
                throw Errno.noSpace
            }
        }
        #expect(try lab.state(lab.pod) == before)
        let joined = try kind.make(in: lab.pod)
        try joined.descriptor.close()
        #expect(joined.guest == recorded)
    }

    @Test(arguments: kinds) func `frames pass in both directions`(kind: InterfaceJoint) throws {
        let joined = try kind.make(in: lab.pod)
        let far = try InterfaceJoint.tap(interface: "far0", guarding: .none).make(in: lab.far)
        defer { for end in [joined, far] { try? end.descriptor.close() } }
        let hardware = joined.guest.hardwareAddress
        let address = try #require(IPAddress("10.9.0.2"))
        let sent = TestFrame.ipv4("", from: hardware, address)
        let farSent = TestFrame.ipv4("", from: far.guest.hardwareAddress, try #require(IPAddress("10.9.0.1")))
        try FrameChannel(descriptor: joined.descriptor).send(sent.marked(7))
        #expect(try FrameChannel(descriptor: far.descriptor).marks(until: 7) { $0.starts(with: sent.bytes) } == [7])
        // To the guest alone, as an answer would be.
        let answer = hardware.bytes + farSent.marked(8).dropFirst(6)
        try FrameChannel(descriptor: far.descriptor).send(answer)
        #expect(
            try FrameChannel(descriptor: joined.descriptor).marks(until: 8) { $0.starts(with: answer.prefix(30)) } == [
                8
            ])
        // To a group that only the guest knows it has joined.
        let message = Self.group + farSent.marked(9).dropFirst(6)
        try FrameChannel(descriptor: far.descriptor).send(message)
        #expect(
            try FrameChannel(descriptor: joined.descriptor).marks(until: 9) { $0.starts(with: message.prefix(30)) } == [
                9
            ])
    }

    /// By which IPv6 looks for addresses that end in 00:00:02.
    private static let group: [UInt8] = [0x33, 0x33, 0xff, 0, 0, 2]

    /// The namespace gets a copy by a tap, and nothing else; what the guest gets is not doubled by that.
    @Test(arguments: zip(kinds, [[1, 2], []] as [[UInt8]]))
    func `answers of DHCP servers reach the guest once`(kind: InterfaceJoint, copied: [UInt8]) throws {
        let joined = try kind.make(in: lab.pod)
        let namespace = try PacketSocket(in: lab.pod)
        defer { namespace.close() }
        let far = try InterfaceJoint.tap(interface: "far0", guarding: .none).make(in: lab.far)
        defer { for end in [joined, far] { try? end.descriptor.close() } }
        let channel = FrameChannel(descriptor: far.descriptor)
        // To the pod alone, as an answer to a renewal is.
        let frame = TestFrame.ipv4("", from: far.guest.hardwareAddress, Self.address("10.9.0.1"))
        let header = joined.guest.hardwareAddress.bytes + frame.bytes.dropFirst(6)
        for mark in 1...3 {
            // From port 67 to port 68, and one to another port.
            try channel.send(
                header + [0, 67, 0, mark < 3 ? 68 : 69] + [UInt8](repeating: 0, count: 20) + [UInt8(mark)])
        }
        let marks = try FrameChannel(descriptor: joined.descriptor).marks(until: 3) { $0.starts(with: header) }
        #expect(marks == [1, 2, 3])
        // The guest has the last one: whatever the namespace was to get is there.
        #expect(try namespace.frames().filter { $0.starts(with: header) }.compactMap(\.last) == copied)
    }

    // MARK: - What a guest may send

    private static let own = HardwareAddress(bytes: [2, 0, 0, 0, 0, 1]) ?? .random()
    private static let other = HardwareAddress(bytes: [2, 0, 0, 0, 0, 2]) ?? .random()
    private static func address(_ text: String) -> IPAddress { IPAddress(text) ?? .unspecified(.v4) }

    private static let allowed: [TestFrame] = [
        .ipv4("IPv4", from: own, address("10.9.0.2")),
        .arp("ARP", from: own, telling: own, address("10.9.0.2")),
        .ipv6("IPv6", from: own, address("fd09::2")),
        .ipv6("IPv6 from its link-local address", from: own, .linkLocal(own)),
        .ipv6("IPv6 from no address", from: own, .unspecified(.v6)),
        .icmpv6("its own advertisement", from: own, address("fd09::2"), type: 136, address("fd09::2")),
        .icmpv6("a solicitation", from: own, address("fd09::2"), type: 135, address("fd09::1")),
    ]

    private static let forged: [TestFrame] = [
        .ipv4("another's hardware address", from: other, address("10.9.0.2")),
        .ipv4("another's IPv4 address", from: own, address("10.9.0.3")),
        .arp("ARP from another's hardware address", from: other, telling: own, address("10.9.0.2")),
        .arp("ARP for another's hardware address", from: own, telling: other, address("10.9.0.2")),
        .arp("ARP for another's IPv4 address", from: own, telling: own, address("10.9.0.1")),
        .ipv6("another's hardware address under IPv6", from: other, address("fd09::2")),
        .ipv6("another's IPv6 address", from: own, address("fd09::3")),
        .ipv6("another's link-local address", from: own, .linkLocal(other)),
        .icmpv6("another's advertisement", from: own, address("fd09::2"), type: 136, address("fd09::1")),
        .icmpv6("a router's advertisement", from: own, .linkLocal(own), type: 134, address("fd09::1")),
        .icmpv6("a redirect", from: own, .linkLocal(own), type: 137, address("fd09::1")),
        .tagged("a frame of a VLAN", from: own, address("10.9.0.2")),
        .other("a frame of an unknown protocol", from: own, content: 0x88b5),
    ]

    @Test(arguments: kinds) func `a guest speaks for itself only`(kind: InterfaceJoint) throws {
        let joined = try kind.make(in: lab.pod)
        let far = try InterfaceJoint.tap(interface: "far0", guarding: .none).make(in: lab.far)
        defer { for end in [joined, far] { try? end.descriptor.close() } }
        let channel = FrameChannel(descriptor: joined.descriptor)
        for (number, frame) in Self.forged.enumerated() { try channel.send(frame.marked(UInt8(100 + number))) }
        for (number, frame) in Self.allowed.enumerated() { try channel.send(frame.marked(UInt8(number + 1))) }
        let marks = try FrameChannel(descriptor: far.descriptor).marks(until: UInt8(Self.allowed.count))
        let passed = Self.forged.enumerated().filter { marks.contains(UInt8(100 + $0.offset)) }
        #expect(passed.map(\.element.testDescription) == [])
        #expect(marks == Self.allowed.indices.map { UInt8($0 + 1) })
    }

    @Test(arguments: kinds) func `a guest without addresses is held to its hardware address`(
        kind: InterfaceJoint
    ) throws {
        try lab.ip(lab.pod, "addr flush dev eth0")
        let joined = try kind.make(in: lab.pod)
        let far = try InterfaceJoint.tap(interface: "far0", guarding: .none).make(in: lab.far)
        defer { for end in [joined, far] { try? end.descriptor.close() } }
        let channel = FrameChannel(descriptor: joined.descriptor)
        try channel.send(TestFrame.ipv4("", from: Self.other, Self.address("10.9.0.2")).marked(1))
        try channel.send(TestFrame.ipv4("", from: Self.own, Self.address("10.9.0.77")).marked(2))
        try channel.send(TestFrame.other("", from: Self.own, content: 0x88b5).marked(3))
        #expect(try FrameChannel(descriptor: far.descriptor).marks(until: 3) == [2, 3])
    }

    // MARK: - An interface of the host

    @Test func `a machine gets an interface of its own on one of the host`() throws {
        let network = MacvtapNetwork(
            name: "eth1", master: "far0", mode: .bridge, guarding: .addresses, mtu: 1300,
            addresses: [
                InterfaceAddress(Self.address("10.9.0.7"), prefixLength: 24),
                InterfaceAddress(Self.address("fd09::7"), prefixLength: 64),
            ],
            routes: [
                NetworkRoute(to: .all(.v4), gateway: IPAddress("10.9.0.1")),
                NetworkRoute(to: .all(.v6), gateway: IPAddress("fe80::1")),
                NetworkRoute(
                    to: try #require(IPPrefix("10.8.0.0/16")), gateway: IPAddress("192.168.0.1")),
            ])
        let joined = try NetworkNamespace.enter(lab.far) { try InterfaceJoint.network(network).make(in: lab.pod) }
        defer { try? joined.descriptor.close() }
        #expect(joined.guest.name == "eth1")
        #expect(joined.guest.mtu == 1300)
        #expect(joined.guest.addresses == network.addresses)
        #expect(
            joined.guest.routes.map { "\($0)\($0.isOnLink ? " onlink" : "")" } == [
                "10.9.0.0/24", "fd09::/64", "0.0.0.0/0 via 10.9.0.1", "::/0 via fe80::1",
                "10.8.0.0/16 via 192.168.0.1 onlink",
            ])
        let link = try lab.ip(lab.pod, "-d -o link show eth1")
        #expect(link.contains("macvtap mode bridge"))
        #expect(link.contains(joined.guest.hardwareAddress.description))
        #expect(try lab.ip(lab.pod, "-o addr show dev eth1") == "")

        // What the pod's other interface sends into the cable arrives.
        let sender = try InterfaceJoint.tap(interface: "eth0", guarding: .none).make(in: lab.pod)
        defer { try? sender.descriptor.close() }
        let frame = TestFrame.ipv4("", from: sender.guest.hardwareAddress, Self.address("10.9.0.2"))
        try FrameChannel(descriptor: sender.descriptor).send(frame.marked(9))
        #expect(
            try FrameChannel(descriptor: joined.descriptor).marks(until: 9) { $0.starts(with: frame.bytes) } == [9])
        let message = Self.group + frame.marked(10).dropFirst(6)
        try FrameChannel(descriptor: sender.descriptor).send(message)
        #expect(
            try FrameChannel(descriptor: joined.descriptor).marks(until: 10) { $0.starts(with: message.prefix(30)) }
                == [10])
        for _ in 0..<2 { try InterfaceJoint.undo(joined.guest, in: lab.pod) }
        #expect(try !lab.ip(lab.pod, "-o link").contains("eth1"))
    }

    // MARK: - What cannot be joined

    @Test(arguments: [
        (InterfaceJoint.tap(interface: "eth7", guarding: .none), "eth7"),
        (.macvtap(interface: "eth7", guarding: .none), "eth7"),
        (.tap(interface: "lo", guarding: .none), "lo is no Ethernet interface"),
        (
            .network(.init(name: "eth1", master: "none0", mode: .bridge, guarding: .none, addresses: [], routes: [])),
            "none0"
        ),
        (
            .network(.init(name: "eth0", master: "far0", mode: .bridge, guarding: .none, addresses: [], routes: [])),
            "eth0"
        ),
    ])
    func `what cannot be joined is named, and nothing is changed`(joint: InterfaceJoint, text: String) throws {
        let before = try lab.state(lab.pod) + lab.state(lab.far)
        let error = #expect(throws: (any Error).self) {
            try NetworkNamespace.enter(lab.far) { try joint.make(in: lab.pod) }
        }
        #expect(error.map { "\($0)".contains(text) } == true, "\(String(describing: error))")
        #expect(try lab.state(lab.pod) + lab.state(lab.far) == before)
    }

    @Test func `a join that fails half way leaves the interface as it was`() throws {
        // Filters are in the way of a tap's, and another macvtap of one that takes everything.
        try lab.run(lab.pod, "tc", "qdisc add dev eth0 ingress")
        try lab.ip(lab.pod, "link add link eth0 name vtap type macvtap mode bridge")
        let before = try lab.state(lab.pod).map(Self.withoutOrigin).sorted()
        for kind in Self.kinds {
            #expect(throws: (any Error).self) { try kind.make(in: lab.pod) }
            #expect(try lab.state(lab.pod).map(Self.withoutOrigin).sorted() == before)
            #expect(try lab.run(lab.pod, "tc", "qdisc show dev eth0 ingress").contains("ingress"))
        }
    }
}

/// Hears the IPv4 packets that reach a namespace, as the daemon of the plugin `dhcp` does (packet(7)).
private struct PacketSocket {
    private let descriptor: FileDescriptor

    init(in namespace: FileDescriptor) throws {
        descriptor = try NetworkNamespace.enter(namespace) {
            let number = socket(
                AF_PACKET, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
                CInt(UInt16(0x0800).bigEndian))
            guard number >= 0 else { throw Errno(rawValue: errno) }
            return FileDescriptor(rawValue: number)
        }
    }

    func close() { try? descriptor.close() }

    /// Those that have come.
    func frames() throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: 2048)
            do {
                let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                frames.append(Array(buffer[..<count]))
            } catch Errno.wouldBlock {
                return frames
            }
        }
    }
}
