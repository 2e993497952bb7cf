// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage

/// The way back to rkt, for all requests.
final class DownloadChannel: Sendable {
    private let socket: Mutex<FileDescriptor>
    /// Whether rkt wants to hear of requests and statuses.
    let traces: Bool

    init(_ socket: FileDescriptor, traces: Bool) {
        self.socket = Mutex(socket)
        self.traces = traces
    }

    /// Sends a frame. If rkt is gone the program is about to end, so that there is nobody to hear of an error.
    func send(_ frame: DownloadFrame) {
        socket.withLock { try? UnixSocket.send(frame.bytes, to: $0) }
    }

    func send(_ kind: DownloadFrame.Kind, _ id: UInt32, _ message: some Encodable) {
        guard let frame = try? DownloadFrame(kind, id, message: message) else { return }
        send(frame)
    }

    /// Sends a body in parts that fit into frames.
    func send(body: [UInt8], _ id: UInt32) {
        var start = 0
        while start < body.count {
            let end = min(start + 64 << 10, body.count)
            send(DownloadFrame(.data, id, Array(body[start..<end])))
            start = end
        }
    }

    func trace(_ id: UInt32, _ text: @autoclosure () -> String) {
        if traces { send(DownloadFrame(.trace, id, Array(text().utf8.prefix(4096)))) }
    }
}
