// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import LinuxPlatform
import Stage1
import Synchronization
import SystemPackage
import TestSupport

/// The socket of a service manager, which is read all the time: it holds few messages, and who finds it full for a while
/// says nothing more. A test may be woken late.
final class NotifiedManager {
    /// What has been heard, and whether somebody still listens.
    private final class Ear: Sendable {
        private let socket: FileDescriptor
        private let state = Mutex((messages: [String](), isClosed: false))

        init(_ socket: FileDescriptor) { self.socket = socket }

        /// All messages so far.
        var messages: [String] {
            state.withLock { state in
                while !state.isClosed, case .bytes(let bytes) = socket.readAvailable() {
                    state.messages.append(String(decoding: bytes, as: UTF8.self))
                }
                return state.messages
            }
        }

        var isClosed: Bool { state.withLock { $0.isClosed } }

        func close() {
            state.withLock { state in
                guard !state.isClosed else { return }
                state.isClosed = true
                try? socket.close()
            }
        }
    }

    private let scratch: ScratchDirectory
    private let socket: FileDescriptor
    private let ear: Ear
    /// NOTIFY_SOCKET
    let address: String

    var messages: [String] { ear.messages }

    /// - Parameter isAbstract: whether the socket has a name that is no file's.
    init(isAbstract: Bool = false) throws {
        scratch = try ScratchDirectory()
        let path = scratch.appending("notify")
        if isAbstract {
            address = "@rkt-test-\(UInt64.random(in: .min ... .max))"
            socket = FileDescriptor(rawValue: Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            let bytes = [0] + Array(address.utf8.dropFirst())
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let result = withUnsafePointer(to: &name) { [socket] pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.rawValue, $0, length) }
            }
            guard result == 0 else { throw FixtureError("bind: \(errno)") }
        } else {
            address = path.string
            socket = try UnixSocket.listen(path, .datagram)
        }
        try UnixSocket.setNonBlocking(socket)
        ear = Ear(socket)
        DispatchQueue(label: "manager").async { [socket, ear] in
            while !ear.isClosed {
                _ = ear.messages
                _ = try? Poll.wait([(socket, .read)], timeout: 100)
            }
        }
    }

    deinit { ear.close() }

    var variables: UnitNotifier.Variables { UnitNotifier.Variables(socket: address) }

    /// All that has been said so far: assignments, in their order.
    func assignments() -> [String] {
        messages.flatMap { $0.split(separator: "\n").map(String.init) }
    }

    func awaitAssignment(_ text: String) async throws {
        try await eventually("\"\(text)\"; it was told: \(messages)") { assignments().contains(text) }
    }

    /// Leaves no room for a message until what has been said is read.
    func fill() throws {
        var hasRoom = true
        while hasRoom {
            // One sender may have less room than the manager.
            let sender = try NotificationSocket(address)
            defer { sender.close() }
            hasRoom = false
            while try sender.offer("STATUS=busy") { hasRoom = true }
        }
    }

    /// Nobody listens any more.
    func close() {
        shutdown(socket.rawValue, CInt(SHUT_RDWR))
        ear.close()
    }
}
