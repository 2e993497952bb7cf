// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A value of `--listen`.
package enum ListenAddress: Sendable, Equatable {
    /// A name or an address, and a port; 0 is a free one.
    case tcp(host: String, port: Int)
    case unix(FilePath)

    package static let standard = ListenAddress.tcp(host: "localhost", port: 15441)

    /// - Throws: code `invalidArgument` for what is neither `HOST:PORT` nor `unix:PATH`.
    package init(parsing text: String) throws {
        let failure = Diagnostics.RuntimeError(
            .invalidArgument, "--listen=\(text) is not an address: expected HOST:PORT or unix:PATH")
        if text.hasPrefix("unix:") {
            let path = FilePath(String(text.dropFirst("unix:".count)))
            guard path.isAbsolute, path.lastComponent != nil else { throw failure }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw failure
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // An address of IPv6 without brackets: nobody can tell where its port begins.
            throw failure
        }
        guard !host.isEmpty else { throw failure }
        self = .tcp(host: String(host), port: Int(port))
    }

    /// Listens there: on all addresses of a name. Call it before there are threads.
    package func listen() throws -> [ListeningSocket] {
        switch self {
        case .unix(let path): return [try ListeningSocket.unix(path, mode: 0o660)]
        case .tcp(let host, let port):
            let addresses = try ListenAddress.addresses(of: host)
            var sockets: [ListeningSocket] = []
            var missing: (any Error)?
            for address in addresses {
                do {
                    sockets.append(try ListeningSocket.tcp(address, port: port))
                } catch let error as Diagnostics.RuntimeError {
                    // A name may have an address of a family that this host has not.
                    guard addresses.count > 1, let call = error.cause as? SystemCallError,
                        [.addressNotAvailable, .addressFamilyNotSupported].contains(call.errno)
                    else {
                        for socket in sockets { try? socket.descriptor.close() }
                        throw error
                    }
                    missing = error
                }
            }
            if sockets.isEmpty, let missing { throw missing }
            return sockets
        }
    }

    /// The addresses of a name, each once (getaddrinfo(3)).
    private static func addresses(of host: String) throws -> [IPAddress] {
        if let address = IPAddress(host) { return [address] }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            throw Diagnostics.RuntimeError(
                .notFound, "--listen: \"\(host)\" has no address: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let pointer = entry.ai_addr else { continue }
            // SAFETY: the C library says how long the address is; the offsets are those of sockaddr_in and sockaddr_in6.
            let bytes = UnsafeRawBufferPointer(start: pointer, count: Int(entry.ai_addrlen))
            let address =
                switch entry.ai_family {
                case AF_INET where bytes.count >= 8: IPAddress(bytes: bytes[4..<8])
                case AF_INET6 where bytes.count >= 24: IPAddress(bytes: bytes[8..<24])
                default: IPAddress?.none
                }
            if let address, !addresses.contains(address) { addresses.append(address) }
        }
        guard !addresses.isEmpty else {
            throw Diagnostics.RuntimeError(.notFound, "--listen: \"\(host)\" has no address of IPv4 or IPv6")
        }
        return addresses
    }
}

extension ListeningSocket {
    /// Whether others than this host's programs may reach it.
    package var isOpenToOthers: Bool {
        guard case .tcp(let address, _) = place else { return false }
        return address.family == .v4 ? address.bytes[0] != 127 : address != IPAddress("::1")
    }
}
