// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// An open tap or macvtap, in a hypervisor's place.
struct FrameChannel {
    let descriptor: FileDescriptor
    /// Length of the virtio header before each frame (`struct virtio_net_hdr`).
    private static let header = 10

    func send(_ frame: [UInt8]) throws {
        let bytes = [UInt8](repeating: 0, count: Self.header) + frame
        _ = try bytes.withUnsafeBytes { try descriptor.write($0) }
    }

    /// Marks of the frames that arrive up to the one with the given mark, which is among them.
    ///
    /// - Parameter isOurs: leaves out what kernels send by themselves.
    func marks(until last: UInt8, where isOurs: ([UInt8]) -> Bool = { _ in true }) throws -> [UInt8] {
        var marks: [UInt8] = []
        let deadline = Clock.milliseconds + 10_000
        while marks.last != last {
            guard Clock.milliseconds < deadline else { throw Errno.timedOut }
            guard try !Poll.wait([(descriptor, .read)], timeout: 100).isEmpty else { continue }
            var buffer = [UInt8](repeating: 0, count: 70_000)
            let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            let frame = Array(buffer[Self.header..<count])
            if isOurs(frame), let mark = frame.last { marks.append(mark) }
        }
        return marks
    }
}
