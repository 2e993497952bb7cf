// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A running `download` program and the socket to it. One call uses it at a time.
struct DownloadConnection: Sendable {
    private let child: ChildProcess
    private let socket: FileDescriptor
    private let path: FilePath
    private var reader = DownloadFrameReader()
    private var nextID: UInt32 = 1

    init(_ request: SpawnRequest) throws {
        let (ours, theirs) = try UnixSocket.pair()
        defer { try? theirs.close() }
        do {
            let null = try FileDescriptor.open("/dev/null", .readWrite, options: [.closeOnExec])
            defer { try? null.close() }
            var request = request
            request.descriptors = [null.rawValue, null.rawValue, 2, theirs.rawValue]
            child = try ChildProcess.spawn(request)
        } catch {
            try? ours.close()
            throw error
        }
        socket = ours
        path = request.path
    }

    /// Starts a request and returns its number.
    mutating func start(_ start: DownloadStart, file: FileDescriptor?) throws -> UInt32 {
        let id = nextID
        nextID += 1
        try send(DownloadFrame(.start, id, message: start), with: file)
        return id
    }

    func send(_ frame: DownloadFrame, with file: FileDescriptor? = nil) throws {
        do {
            try UnixSocket.send(frame.bytes, with: file, to: socket)
        } catch {
            throw ended(error)
        }
    }

    /// Waits for the next frame.
    mutating func receive() throws -> DownloadFrame {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            do throws(DownloadFrameReader.Failure) {
                if let frame = try reader.next() { return frame }
            } catch {
                throw misbehaved(error.description)
            }
            guard try !Poll.wait([(socket, .read)], timeout: nil).isEmpty else { continue }
            // read(2) drops descriptors, which this end does not take.
            let count = try? buffer.withUnsafeMutableBytes { try socket.read(into: $0) }
            guard let count, count > 0 else { throw ended(nil) }
            reader.append(buffer[..<count])
        }
    }

    /// The error for a program that does not keep to the protocol.
    func misbehaved(_ what: String) -> RuntimeError {
        RuntimeError(
            .internal, "\"\(path)\" breaks the protocol (\(what)): install it and rkt from the same release")
    }

    private func ended(_ cause: (any Error)?) -> RuntimeError {
        // The socket is closed a moment before the process has ended.
        _ = try? Poll.wait([(child.pidfd, .read)], timeout: 1000)
        let end = (try? child.poll()).flatMap { $0 }.map { ": \($0)" } ?? ""
        return RuntimeError(.internal, "\"\(path)\" has ended before its work\(end)", cause: cause)
    }

    /// Ends the program.
    func close() {
        try? socket.close()
        try? child.signal(9)
        _ = try? child.wait()
        child.close()
    }
}
