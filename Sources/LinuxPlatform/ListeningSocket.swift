// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// A socket that listens for connections: one that was made here, or one of systemd's.
package struct ListeningSocket: Sendable {
    /// What a socket is bound to.
    package enum Place: Hashable, Sendable, CustomStringConvertible {
        /// A unix(7) socket; nil when its name is no path.
        case unix(FilePath?)
        case tcp(IPAddress, port: Int)

        package var description: String {
            switch self {
            case .unix(let path): "unix:\(path?.string ?? "(no path)")"
            case .tcp(let address, let port):
                address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
            }
        }
    }

    /// Close-on-exec.
    package let descriptor: FileDescriptor
    package let place: Place
    /// Whether systemd made it, and keeps it when this program ends.
    package let isPassed: Bool

    /// How many connections wait to be accepted (listen(2)).
    private static let backlog: CInt = 128

    // MARK: - Made here

    /// Listens at a path. A socket there that nobody listens on any more is replaced.
    ///
    /// - Parameter mode: what it has from its first moment.
    /// - Throws: `busy` when somebody listens there, `exists` when something else than a socket is there.
    package static func unix(_ path: FilePath, mode: UInt32 = 0o600) throws -> ListeningSocket {
        try removeAbandoned(path)
        do {
            let descriptor = try UnixSocket.listen(path, mode: mode)
            return ListeningSocket(descriptor: descriptor, place: .unix(path), isPassed: false)
        } catch {
            throw RuntimeError((error as? RuntimeError)?.code ?? .internal, "cannot listen at \(path)", cause: error)
        }
    }

    /// Listens on a port of an address; one of IPv6 does not take connections of IPv4.
    ///
    /// - Parameter port: 0 for one that is free.
    package static func tcp(_ address: IPAddress, port: Int) throws -> ListeningSocket {
        try tcp(address, port: port, onlyIPv6: true)
    }

    /// Listens on a port of all addresses of IPv4 and IPv6 with one socket, which shows peers of IPv4 as mapped addresses.
    /// Where the kernel has no IPv6, it listens on those of IPv4.
    ///
    /// - Parameter port: 0 for one that is free.
    package static func tcpOnAllAddresses(port: Int) throws -> ListeningSocket {
        do {
            return try tcp(.unspecified(.v6), port: port, onlyIPv6: false)
        } catch let error as RuntimeError {
            guard let call = error.cause as? SystemCallError,
                [.addressFamilyNotSupported, .addressNotAvailable].contains(call.errno)
            else { throw error }
            return try tcp(.unspecified(.v4), port: port, onlyIPv6: true)
        }
    }

    private static func tcp(_ address: IPAddress, port: Int, onlyIPv6: Bool) throws -> ListeningSocket {
        func failure(_ call: String) -> RuntimeError {
            let errno = lastErrno
            let code: RuntimeError.Code =
                switch errno {
                case .addressInUse: .busy
                case .permissionDenied: .permissionDenied
                default: .internal
                }
            return RuntimeError(
                code, "cannot listen on \(Place.tcp(address, port: port))",
                cause: SystemCallError(call: call, errno: errno))
        }
        let family = address.family == .v4 ? AF_INET : AF_INET6
        let number = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw failure("socket") }
        let descriptor = FileDescriptor(rawValue: number)
        do {
            var on: CInt = 1
            // SAFETY: the options are integers, whose size is passed.
            guard setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
                throw failure("setsockopt")
            }
            if address.family == .v6 {
                var only: CInt = onlyIPv6 ? 1 : 0
                let level = CInt(IPPROTO_IPV6)
                guard setsockopt(number, level, IPV6_V6ONLY, &only, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
                    throw failure("setsockopt")
                }
            }
            guard SocketAddress.with(address, port: port, { bind(number, $0, $1) }) == 0 else { throw failure("bind") }
            guard listen(number, backlog) == 0 else { throw failure("listen") }
            guard let place = place(of: descriptor) else { throw failure("getsockname") }
            return ListeningSocket(descriptor: descriptor, place: place, isPassed: false)
        } catch {
            try? descriptor.close()
            throw error
        }
    }

    /// Removes what an earlier program has left.
    private static func removeAbandoned(_ path: FilePath) throws {
        guard FileSystem.exists(path) else { return }
        guard try FileSystem.status(path).type == .socket else {
            throw RuntimeError(.exists, "cannot listen at \(path): it is not a socket; move it out of the way")
        }
        var isUsed = false
        do {
            try UnixSocket.connect(path, within: 1000).close()
            isUsed = true
        } catch let error as RuntimeError where error.code == .busy {
            // Who listens there takes no connections.
            isUsed = true
        } catch {}
        guard !isUsed else {
            throw RuntimeError(.busy, "cannot listen at \(path): another program listens there; stop it first")
        }
        try FileSystem.remove(path)
    }

    // MARK: - Passed by systemd

    /// The sockets that systemd has made for this program (sd_listen_fds(3)), in its order. Programs that this one starts
    /// do not get them. Call it once.
    ///
    /// - Throws: when one is neither a listening UNIX stream socket nor a listening TCP socket.
    package static func passed() throws -> [ListeningSocket] {
        let sockets = try PassedSockets()
        try sockets.closeOnExec()
        return try sockets.descriptors.map { try passed(FileDescriptor(rawValue: $0)) }
    }

    /// One socket of systemd's.
    package static func passed(_ descriptor: FileDescriptor) throws -> ListeningSocket {
        guard option(SO_TYPE, of: descriptor) == CInt(SOCK_STREAM.rawValue),
            option(SO_ACCEPTCONN, of: descriptor) == 1, let place = place(of: descriptor)
        else {
            throw RuntimeError(
                .invalidArgument,
                "descriptor \(descriptor.rawValue), passed by systemd, is no listening UNIX or TCP socket; "
                    + "give the socket unit only ListenStream=")
        }
        return ListeningSocket(descriptor: descriptor, place: place, isPassed: true)
    }

    private static func option(_ name: CInt, of descriptor: FileDescriptor) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        // SAFETY: the option is an integer, whose size is passed.
        return getsockopt(descriptor.rawValue, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }

    /// What it is bound to (getsockname(2)); nil for families other than these.
    private static func place(of descriptor: FileDescriptor) -> Place? {
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = socklen_t(bytes.count)
        // SAFETY: the buffer is as long as any socket address, and aligned as arrays are, to 16 bytes.
        let status = bytes.withUnsafeMutableBytes {
            $0.withMemoryRebound(to: sockaddr.self) {
                $0.baseAddress.map { getsockname(descriptor.rawValue, $0, &length) } ?? -1
            }
        }
        guard status == 0, length >= 2, Int(length) <= bytes.count else { return nil }
        let family = bytes.withUnsafeBytes { CInt($0.loadUnaligned(as: sa_family_t.self)) }
        let port = Int(bytes[2]) << 8 | Int(bytes[3])
        switch family {
        case AF_UNIX:
            let name = bytes[2..<Int(length)].prefix { $0 != 0 }
            return .unix(name.isEmpty ? nil : FilePath(String(decoding: name, as: UTF8.self)))
        case AF_INET: return IPAddress(bytes: bytes[4..<8]).map { .tcp($0, port: port) }
        case AF_INET6: return IPAddress(bytes: bytes[8..<24]).map { .tcp($0, port: port) }
        default: return nil
        }
    }

    // MARK: - The end

    /// Removes the path of a UNIX socket that was made here; one of systemd's stays. The descriptor is not closed, since
    /// who serves it may own it.
    package func removePath() {
        guard !isPassed, case .unix(let path?) = place else { return }
        try? FileSystem.remove(path)
    }
}
