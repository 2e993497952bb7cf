// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import Synchronization
import SystemPackage

/// Holds the host's side of forwarded ports, so that no program and no other pod has or gets them.
///
/// Nothing ever arrives at these sockets: packets are led on to the pod before.
package final class PortReservation: Sendable {
    private struct State {
        var sockets: [FileDescriptor] = []
        var families: Set<IPAddress.Family> = []
    }

    private let state = Mutex(State())

    /// Sockets cost descriptors: of a longer range only the first ports are held.
    private static let limit = 512

    package init() {}

    /// Takes ports at addresses of some families; what is held already is not taken again. When it throws, as much as
    /// before is held.
    ///
    /// - Parameter mappings: the same each time.
    /// - Throws: code `busy` naming the port that is in use.
    package func hold(_ mappings: [PortMapping], _ families: Set<IPAddress.Family>) throws {
        try state.withLock { state in
            let missing = [IPAddress.Family.v4, .v6].filter { families.contains($0) && !state.families.contains($0) }
            var sockets: [FileDescriptor] = []
            do {
                for mapping in mappings {
                    for port in mapping.hostRange {
                        for family in missing where mapping.applies(toIPv4: family == .v4) {
                            guard state.sockets.count + sockets.count < Self.limit else { break }
                            guard let socket = try Self.bind(mapping, port, isIPv4: family == .v4) else { continue }
                            sockets.append(socket)
                        }
                    }
                }
            } catch {
                for socket in sockets { try? socket.close() }
                throw error
            }
            state.sockets += sockets
            state.families.formUnion(missing)
        }
    }

    deinit { state.withLock { for socket in $0.sockets { try? socket.close() } } }

    /// - Returns: nil where the host does not know the family: nobody can have the port there.
    private static func bind(_ mapping: PortMapping, _ port: Int, isIPv4: Bool) throws -> FileDescriptor? {
        let type = CInt(mapping.transport == .tcp ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        let number = socket(isIPv4 ? AF_INET : AF_INET6, type | CInt(SOCK_CLOEXEC.rawValue), 0)
        if number < 0, lastErrno == .addressFamilyNotSupported { return nil }
        guard number >= 0 else { throw RuntimeError.systemCall("socket", nil, lastErrno) }
        let descriptor = FileDescriptor(rawValue: number)
        if !isIPv4 { set(IPPROTO_IPV6, IPV6_V6ONLY, 1, number) }
        let address = mapping.hostAddress ?? .unspecified(isIPv4 ? .v4 : .v6)
        var error = bind(number, address, port)
        if error == .addressInUse, mapping.transport == .tcp {
            // Connections of a server that has ended linger for a minute; a server that runs keeps us out all the same.
            set(SOL_SOCKET, SO_REUSEADDR, 1, number)
            error = bind(number, address, port)
            set(SOL_SOCKET, SO_REUSEADDR, 0, number)
        }
        guard let error else { return descriptor }
        try? descriptor.close()
        let place = "\(mapping.hostAddress.map { "\($0)" } ?? "the host"), port \(port)/\(mapping.transport.rawValue)"
        switch error {
        case .addressInUse:
            throw RuntimeError(
                .busy, "port \"\(mapping.name)\" cannot be forwarded: \(place) is in use; give another --port")
        case .addressNotAvailable:
            throw RuntimeError(
                .invalidArgument,
                "port \"\(mapping.name)\" cannot be forwarded: the host does not have the address of \(place)")
        default: throw RuntimeError.systemCall("bind", nil, error)
        }
    }

    private static func set(_ level: some BinaryInteger, _ option: CInt, _ value: CInt, _ number: CInt) {
        var value = value
        setsockopt(number, CInt(level), option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    private static func bind(_ number: CInt, _ address: IPAddress, _ port: Int) -> Errno? {
        let result = SocketAddress.with(address, port: port) { Glibc.bind(number, $0, $1) }
        return result == 0 ? nil : lastErrno
    }
}
