// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Passes frames on between a tap of the pod's network and QEMU, which libvirt has started without it.
///
/// A frame that the other side has no room for is lost, as on any network. What QEMU sends is not trusted: a stream that
/// is not one of frames ends the interface.
package final class FrameExchange {
    private let tap: FileDescriptor
    private let headerSize: Int
    private var state: State
    private var unsent: ArraySlice<UInt8> = []
    private var received: ArraySlice<UInt8> = []
    private var buffer: [UInt8]
    /// Whether there still is an interface behind the tap.
    private var tapIsOpen = true

    private enum State {
        case listening(FileDescriptor)
        case connected(FileDescriptor)
        case ended
    }

    /// Bytes that wait for QEMU before frames of the network are left in the tap.
    private static let mostUnsent = 256 << 10
    /// Frames or portions that are passed on before the other direction has its turn.
    private static let burst = 64

    /// - Parameters:
    ///   - tap: each read and write is one frame after a header, which is zero on its way in.
    ///   - listener: a listening socket; closed once QEMU is there.
    ///   - headerSize: in bytes.
    package init(tap: FileDescriptor, listener: FileDescriptor, headerSize: Int) throws {
        self.tap = tap
        self.headerSize = headerSize
        state = .listening(listener)
        buffer = [UInt8](repeating: 0, count: headerSize + FrameLine.longestFrame)
        for descriptor in [tap, listener] { try UnixSocket.setNonBlocking(descriptor) }
    }

    package var hasEnded: Bool { if case .ended = state { true } else { false } }

    /// What to wait for.
    package var sources: [(FileDescriptor, Poll.Interest)] {
        switch state {
        case .listening(let listener): return [(listener, .read)]
        case .connected(let socket):
            let line: (FileDescriptor, Poll.Interest) = (socket, unsent.isEmpty ? .read : [.read, .write])
            return tapIsOpen && unsent.count < Self.mostUnsent ? [line, (tap, .read)] : [line]
        case .ended: return []
        }
    }

    /// Does what can be done without waiting.
    package func turn() {
        switch state {
        case .listening(let listener):
            guard let (socket, _) = try? UnixSocket.accept(listener) else { return }
            try? listener.close()
            guard (try? UnixSocket.setNonBlocking(socket)) != nil else { return end(socket) }
            state = .connected(socket)
        case .connected(let socket):
            guard passFromNetwork(socket), passFromQEMU(socket) else { return end(socket) }
        case .ended: break
        }
    }

    private func end(_ socket: FileDescriptor) {
        try? socket.close()
        state = .ended
    }

    // MARK: - Directions

    /// - Returns: false when QEMU is gone.
    private func passFromNetwork(_ socket: FileDescriptor) -> Bool {
        guard flush(socket) else { return false }
        for _ in 0..<Self.burst where tapIsOpen && unsent.count < Self.mostUnsent {
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let count = buffer.withUnsafeMutableBytes { read(tap.rawValue, $0.baseAddress, $0.count) }
            if count < 0 {
                // The interface is gone. It is QEMU's end that is that of the exchange.
                tapIsOpen = [.wouldBlock, .interrupted].contains(lastErrno)
                break
            }
            guard count > headerSize else { continue }
            unsent += FrameLine.encoded(buffer[headerSize..<count])
        }
        return flush(socket)
    }

    private func flush(_ socket: FileDescriptor) -> Bool {
        while !unsent.isEmpty {
            // SAFETY: the bytes outlive the call, which reads at most their number.
            let count = unsent.withUnsafeBytes {
                send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 { return [.wouldBlock, .interrupted].contains(lastErrno) }
            unsent = unsent.dropFirst(count)
        }
        unsent = []
        return true
    }

    /// - Returns: false when QEMU is gone or sends no frames.
    private func passFromQEMU(_ socket: FileDescriptor) -> Bool {
        for _ in 0..<Self.burst {
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let count = buffer.withUnsafeMutableBytes { recv(socket.rawValue, $0.baseAddress, $0.count, 0) }
            if count < 0 { return [.wouldBlock, .interrupted].contains(lastErrno) }
            guard count > 0 else { return false }
            received += buffer[..<count]
            do {
                while let frame = try FrameLine.next(&received) { write(frame) }
            } catch {
                return false
            }
            // The bytes that were taken off go.
            received = ArraySlice(Array(received))
        }
        return true
    }

    private func write(_ frame: ArraySlice<UInt8>) {
        let bytes = [UInt8](repeating: 0, count: headerSize) + frame
        // SAFETY: the array outlives the call, which reads its length. A frame that the tap does not take is lost.
        _ = bytes.withUnsafeBytes { Glibc.write(tap.rawValue, $0.baseAddress, $0.count) }
    }
}

extension FrameExchange {
    /// Runs exchanges in a thread of their own until all have ended.
    package static func run(_ exchanges: [FrameExchange]) throws {
        guard !exchanges.isEmpty else { return }
        let work = Work(exchanges)
        var thread = pthread_t()
        // SAFETY: the thread owns a reference to the object, which it releases when it ends.
        let context = Unmanaged.passRetained(work)
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            throw RuntimeError.systemCall("pthread_create", nil, Errno(rawValue: result))
        }
        pthread_detach(thread)
    }

    private final class Work {
        private var exchanges: [FrameExchange]

        init(_ exchanges: [FrameExchange]) { self.exchanges = exchanges }

        func run() {
            while !exchanges.isEmpty {
                guard (try? Poll.wait(exchanges.flatMap(\.sources), timeout: nil)) != nil else { return }
                for exchange in exchanges { exchange.turn() }
                exchanges.removeAll(where: \.hasEnded)
            }
        }
    }
}
