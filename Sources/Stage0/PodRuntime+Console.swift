// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Passes on the lines that the kernel of a pod's machine wrote, without their line ends; a pod that has not run has
    /// none. A line of more than 4 KiB arrives in pieces.
    package func readConsole(of prefix: String, follows: Bool, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        let uuid = try pods.find(prefix).uuid
        var file: FileDescriptor?
        defer { try? file?.close() }
        var buffer = [UInt8](repeating: 0, count: 4096)
        var line: [UInt8] = []
        var backoff = Backoff()
        while true {
            // Asked before reading: when the pod has ended, everything is there.
            let now = pods.pod(uuid)
            if file == nil, let path = now?.layout.console, FileSystem.exists(path) {
                file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            }
            while let file {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                guard count > 0 else { break }
                backoff = Backoff()
                for byte in buffer[..<count] {
                    if byte != UInt8(ascii: "\n") { line.append(byte) }
                    guard byte == UInt8(ascii: "\n") || line.count == buffer.count else { continue }
                    try body(line[...].trimmingCarriageReturn)
                    line.removeAll(keepingCapacity: true)
                }
            }
            guard follows, let now, PodRuntime.mayLog(now.state) else { break }
            _ = backoff.pause()
        }
        if !line.isEmpty { try body(line[...].trimmingCarriageReturn) }
    }
}

extension ArraySlice<UInt8> {
    /// A serial console ends its lines with two bytes.
    fileprivate var trimmingCarriageReturn: ArraySlice<UInt8> {
        last == UInt8(ascii: "\r") ? dropLast() : self
    }
}
