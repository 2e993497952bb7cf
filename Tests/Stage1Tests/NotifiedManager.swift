// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport

/// The socket of a service manager, which the test reads.
final class NotifiedManager {
    private let scratch: ScratchDirectory
    private let socket: FileDescriptor
    /// NOTIFY_SOCKET
    let address: String
    private(set) var messages: [String] = []

    /// - Parameter isAbstract: whether the socket has a name that is no file's.
    init(isAbstract: Bool = false) throws {
        scratch = try ScratchDirectory()
        let path = scratch.appending("notify")
        if isAbstract {
            address = "@\(path)"
            socket = FileDescriptor(rawValue: Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            let bytes = [0] + Array(path.string.utf8)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let result = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.rawValue, $0, length) }
            }
            guard result == 0 else { throw FixtureError("bind: \(errno)") }
        } else {
            address = path.string
            socket = try UnixSocket.listen(path, .datagram)
        }
        try UnixSocket.setNonBlocking(socket)
    }

    deinit { try? socket.close() }

    var variables: UnitNotifier.Variables { UnitNotifier.Variables(socket: address) }

    /// All that has been said so far: assignments, in their order.
    func assignments() -> [String] {
        while case .bytes(let bytes) = socket.readAvailable() {
            messages.append(String(decoding: bytes, as: UTF8.self))
        }
        return messages.flatMap { $0.split(separator: "\n").map(String.init) }
    }

    func awaitAssignment(_ text: String) async throws {
        try await eventually("\"\(text)\"; it was told: \(messages)") { assignments().contains(text) }
    }

    /// Nobody listens any more.
    func close() { shutdown(socket.rawValue, CInt(SHUT_RDWR)) }
}
