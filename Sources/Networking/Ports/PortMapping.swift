// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// Ports of the host that lead to as many ports of the pod.
package struct PortMapping: Sendable, Hashable {
    package enum Transport: String, Sendable {
        case tcp, udp
    }

    /// What the pod calls the ports by.
    package let name: String
    package let transport: Transport
    /// The one address of the host that they are reachable at; nil for all.
    package let hostAddress: IPAddress?
    package let hostPort: Int
    package let podPort: Int
    /// How many ports follow each other on both sides.
    package let count: Int

    /// What a pod manifest exposes, without ports whose sockets the app is handed: those never leave the host.
    ///
    /// - Throws: for a protocol that has no ports of this kind.
    package static func mappings(_ ports: [ForwardedPort]) throws -> [PortMapping] {
        try ports.filter { !$0.port.socketActivated }.map { forwarded in
            let port = forwarded.port
            guard let transport = Transport(rawValue: port.protocol.lowercased()) else {
                throw RuntimeError(
                    .unsupported,
                    "port \"\(port.name)\" is one of \(ScalarError.quoted(port.protocol)): only tcp and udp can be forwarded"
                )
            }
            let address = forwarded.exposed.hostIP.flatMap { IPAddress($0) }
            return PortMapping(
                name: port.name.string, transport: transport,
                hostAddress: address?.isUnspecified == true ? nil : address,
                hostPort: forwarded.exposed.hostPort, podPort: port.port, count: port.count)
        }
    }

    package init(
        name: String, transport: Transport, hostAddress: IPAddress? = nil, hostPort: Int, podPort: Int, count: Int = 1
    ) {
        self.name = name
        self.transport = transport
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.podPort = podPort
        self.count = count
    }

    package var hostRange: ClosedRange<Int> { hostPort...(hostPort + count - 1) }
    package var podRange: ClosedRange<Int> { podPort...(podPort + count - 1) }

    /// Elements of `portMappings`, which knows no ranges.
    var capability: [JSONValue] {
        (0..<count).map { offset in
            var object = JSONObject()
            object.set("hostPort", JSONValue(hostPort + offset))
            object.set("containerPort", JSONValue(podPort + offset))
            object.set("protocol", .string(transport.rawValue))
            if let hostAddress { object.set("hostIP", .string(hostAddress.description)) }
            return .object(object)
        }
    }

    /// Whether the host reaches the pod by 127.0.0.1.
    var includesLoopback: Bool { hostAddress.map { $0.isIPv4 && $0.isLoopback } ?? true }

    /// Whether connections to an address of a family are meant.
    func applies(toIPv4 isIPv4: Bool) -> Bool { hostAddress.map { $0.isIPv4 == isIPv4 } ?? true }
}
