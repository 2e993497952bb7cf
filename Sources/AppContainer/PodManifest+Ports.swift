// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A port of the host together with the app's port that it leads to.
package struct ForwardedPort: Hashable, Sendable {
    /// The side of the host.
    package let exposed: ExposedPort
    /// The side of the app.
    package let port: Port

    package init(exposed: ExposedPort, port: Port) {
        self.exposed = exposed
        self.port = port
    }

    /// The host's ports: as many as the app's port has, from `hostPort` on.
    package var hostRange: ClosedRange<Int> { exposed.hostPort...(exposed.hostPort + port.count - 1) }

    /// Whether both would listen on one address and port with one protocol.
    package func conflicts(with other: ForwardedPort) -> Bool {
        guard port.protocol == other.port.protocol, hostRange.overlaps(other.hostRange) else { return false }
        return isOnAllAddresses || other.isOnAllAddresses || exposed.hostIP == other.exposed.hostIP
    }

    private var isOnAllAddresses: Bool { [nil, "0.0.0.0", "::"].contains(exposed.hostIP) }
}

extension PodManifest {
    /// Finds the app's port behind each exposed port.
    ///
    /// - Parameter section: the `app` section that an app runs with: its own, or its image's.
    /// - Throws: when a name is that of no port or of ports of two apps, or when two ports of the host conflict.
    package func forwardedPorts(section: (RuntimeApp) -> App?) throws(ManifestError) -> [ForwardedPort] {
        let declared = apps.map { app in (app: app.name, ports: section(app)?.ports ?? []) }
        var result: [ForwardedPort] = []
        for (index, exposed) in ports.enumerated() {
            let path = "ports[\(index)]"
            let candidates = declared.compactMap { app in
                app.ports.first { $0.name == exposed.name }.map { (app: app.app, port: $0) }
            }
            if exposed.podPort == nil, candidates.count > 1 {
                let names = candidates.map { $0.app.string }.joined(separator: " and ")
                throw .field(path, reason: "the port \"\(exposed.name)\" is ambiguous: the apps \(names) have it")
            }
            guard let port = exposed.podPort ?? candidates.first?.port else {
                throw .field(path, reason: "port name \"\(exposed.name)\" could not be found in any apps")
            }
            let forwarded = ForwardedPort(exposed: exposed, port: port)
            guard forwarded.hostRange.upperBound <= 65535 else {
                throw .field(path, reason: "the \(port.count) ports from \(exposed.hostPort) on end beyond 65535")
            }
            if let other = result.first(where: forwarded.conflicts) {
                throw .field(
                    path,
                    reason: "the ports \"\(other.exposed.name)\" and \"\(exposed.name)\" both use port "
                        + "\(exposed.hostPort)/\(port.protocol) of the host")
            }
            result.append(forwarded)
        }
        return result
    }
}
