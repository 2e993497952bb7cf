// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage

/// Sends the requests that come in by a channel: the program that talks to the network.
package enum Downloader {
    /// The descriptor that the channel to rkt is.
    package static let channel = FileDescriptor(rawValue: 3)
    /// How many requests may be under way; rkt sends fewer.
    static let concurrency = 64

    /// Serves until the other end of the channel is closed, which is also how rkt's death shows.
    ///
    /// - Returns: the exit status.
    package static func run(arguments: [String]) -> Int32 {
        guard let status = try? FileSystem.status(of: channel), status.type == .socket else {
            complain("this program is started by rkt, which talks to it by descriptor 3")
            return ExitStatus.error
        }
        signal(SIGPIPE, SIG_IGN)
        do {
            try serve(RequestTable(DownloadChannel(channel, traces: arguments.contains("--trace"))))
            return ExitStatus.success
        } catch {
            complain(String(describing: error))
            return ExitStatus.error
        }
    }

    private static func serve(_ table: RequestTable) throws {
        var reader = DownloadFrameReader()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        // A descriptor comes with the first byte of its frame: they are in the order of the frames that have one.
        var descriptors: [FileDescriptor] = []
        while true {
            let (count, descriptor) = try UnixSocket.receive(into: &buffer, from: channel)
            if let descriptor { descriptors.append(descriptor) }
            guard count > 0 else { return }
            reader.append(buffer[..<count])
            while let frame = try reader.next() {
                switch frame.kind {
                case .start:
                    let start = try frame.message(DownloadStart.self)
                    guard !start.hasFile || !descriptors.isEmpty else {
                        throw RuntimeError(.invalidArgument, "a request has come without its file")
                    }
                    try table.start(frame.id, start, start.hasFile ? descriptors.removeFirst() : nil)
                case .proceed: table.proceed(frame.id)
                case .cancel: table.cancel(frame.id)
                default: throw RuntimeError(.invalidArgument, "a frame has come in the wrong direction")
                }
            }
        }
    }

    private static func complain(_ text: String) {
        try? FileSystem.writeAll(Array("download: \(text)\n".utf8), to: .standardError)
    }
}
