// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

/// The network interfaces in a pod's configuration are bounded, and their addresses have the length of addresses.
struct InterfaceTests {
    /// A change that no guest accepts.
    struct Flaw: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout PodConfiguration.Interface) -> Void
        init(_ text: String, _ change: @escaping @Sendable (inout PodConfiguration.Interface) -> Void) {
            testDescription = text
            self.change = change
        }
    }

    @Test(arguments: [
        Flaw("no name") { $0.name = "" },
        Flaw("a name of 16 bytes") { $0.name = String(repeating: "e", count: 16) },
        Flaw("a name that is a path") { $0.name = "../e" },
        Flaw("a directory's name") { $0.name = ".." },
        Flaw("a hardware address of five bytes") { $0.hardwareAddress.removeLast() },
        Flaw("an address of five bytes") { $0.addresses[0].address.append(0) },
        Flaw("a prefix longer than its address") { $0.addresses[0].prefixLength = 33 },
        Flaw("a broadcast address of another kind") { $0.addresses[1].broadcast = [1, 2, 3, 4] },
        Flaw("a gateway of another kind") { $0.routes[0].gateway = [UInt8](repeating: 1, count: 16) },
        Flaw("a source of another kind") { $0.routes[0].source = [1] },
        Flaw("129 addresses") { $0.addresses = .init(repeating: $0.addresses[0], count: 129) },
        Flaw("1025 routes") { $0.routes = .init(repeating: $0.routes[0], count: 1025) },
    ])
    func isRefused(flaw: Flaw) {
        var pod = MessageTests.sample
        flaw.change(&pod.interfaces[0])
        #expect(throws: ProtocolError.self) { try PodConfiguration(decoding: pod.encoded) }
    }

    @Test func sixteenAreTakenAndSeventeenAreNot() throws {
        var pod = MessageTests.sample
        pod.interfaces = .init(repeating: MessageTests.interface, count: 16)
        #expect(try PodConfiguration(decoding: pod.encoded) == pod)
        pod.interfaces.append(MessageTests.interface)
        #expect(throws: ProtocolError.self) { try PodConfiguration(decoding: pod.encoded) }
    }
}
