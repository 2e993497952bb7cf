// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import LinuxPlatform
import SystemPackage

/// Sockets that systemd listens on for this pod, with the ports of apps that their connections are for.
package struct ActivatedPorts {
    /// One socket and one port.
    package struct Element: Equatable {
        /// Close-on-exec.
        package let socket: FileDescriptor
        /// That of the host.
        package let hostPort: Int
        /// That of the pod.
        package let port: Int

        package init(socket: FileDescriptor, hostPort: Int, port: Int) {
            self.socket = socket
            self.hostPort = hostPort
            self.port = port
        }
    }

    /// In the order of the sockets.
    package let elements: [Element]
    /// Sockets that no app has declared, one line each.
    package let warnings: [String]

    /// Finds the port of each socket by the number that it has on the host: that of `--port`, or else the app's own.
    ///
    /// - Parameter sockets: those that lead nowhere are closed.
    package init(_ sockets: [FileDescriptor], _ manifest: PodManifest) throws {
        let forwarded = try manifest.forwardedPorts { $0.app }
        var elements: [Element] = []
        var warnings: [String] = []
        for socket in sockets {
            guard let hostPort = ActivatedPorts.listeningPort(socket) else {
                warnings.append(
                    "descriptor \(socket.rawValue) of systemd is no TCP socket that listens: it does not lead to the pod"
                )
                try? socket.close()
                continue
            }
            guard let port = ActivatedPorts.port(for: hostPort, manifest, forwarded) else {
                warnings.append(
                    "port \(hostPort), which systemd listens on, does not lead to the pod: no app has a tcp port with "
                        + "socketActivated that has this number, or gets it by --port")
                try? socket.close()
                continue
            }
            elements.append(Element(socket: socket, hostPort: hostPort, port: port))
        }
        self.elements = elements
        self.warnings = warnings
    }

    private static func port(for hostPort: Int, _ manifest: PodManifest, _ forwarded: [ForwardedPort]) -> Int? {
        if let exposed = forwarded.first(where: { $0.port.isActivated && $0.hostRange.contains(hostPort) }) {
            return exposed.port.port + hostPort - exposed.hostRange.lowerBound
        }
        let mapped = Set(forwarded.map(\.port))
        let own = manifest.apps.flatMap { $0.app?.ports ?? [] }
        return own.contains { $0.isActivated && !mapped.contains($0) && $0.range.contains(hostPort) } ? hostPort : nil
    }

    /// The number of a TCP socket that listens; nil for any other descriptor.
    private static func listeningPort(_ socket: FileDescriptor) -> Int? {
        func option(_ name: CInt) -> CInt? {
            var value: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            // SAFETY: value and length live during the call, and length is the size of value.
            return getsockopt(socket.rawValue, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
        }
        guard option(SO_TYPE) == CInt(SOCK_STREAM.rawValue), option(SO_ACCEPTCONN) == 1 else { return nil }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the storage has room for every address, and its size is passed.
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.rawValue, $0, &length) }
        }
        guard result == 0, [AF_INET, AF_INET6].contains(CInt(address.ss_family)) else { return nil }
        // The port is at the same place for both families.
        return withUnsafeBytes(of: address) { Int($0[2]) << 8 | Int($0[3]) }
    }
}

extension Port {
    /// Only connections can be passed on.
    fileprivate var isActivated: Bool { socketActivated && `protocol` == "tcp" }
}
