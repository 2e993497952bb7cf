// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct GuestSocketTests {
    @Test func `the shim and then the agent connect, and after that there is nothing to wake up for`() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("guest.sock")
        let socket = try GuestSocket(path)
        defer { socket.close() }
        #expect(try FileSystem.status(path).mode & 0o077 == 0)
        for stream in [socket.boot, socket.agent] {
            #expect(try ready(stream, .read).isEmpty)
            let connection = try UnixSocket.connect(path)
            defer { try? connection.close() }
            #expect(try ready(socket.listener, .read) == .read)
            try socket.accept()
            try FileSystem.writeAll([7], to: connection)
            #expect(try ready(stream, .read) == .read)
        }
        #expect(try ready(socket.listener, .read).isEmpty)
        #expect(!FileSystem.exists(path))
    }

    private func ready(_ descriptor: FileDescriptor, _ interest: Poll.Interest) throws -> Poll.Interest {
        try Poll.wait([(descriptor, interest)], timeout: 0).first?.ready ?? []
    }
}
