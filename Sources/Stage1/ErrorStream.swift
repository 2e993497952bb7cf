// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The caller's standard error. Nothing waits for its reader: what does not fit is dropped and counted.
package final class ErrorStream {
    private static let limit = 64 << 10
    private let output: CallerOutput
    private var outbox = Outbox()
    private var dropped = 0
    private(set) var isOpen = true
    /// What ends a line; a terminal in raw mode needs more.
    var lineEnd = "\n"

    /// - Parameter descriptor: stays the caller's.
    package init(_ descriptor: FileDescriptor = FileDescriptor(rawValue: 2)) { output = CallerOutput(descriptor) }

    var descriptor: FileDescriptor { output.descriptor }
    /// Whether something waits to be written.
    package var isWaiting: Bool { isOpen && !outbox.isEmpty }

    /// Writes one line. Part of it may come from an image or the guest: it does nothing to a terminal.
    package func notice(_ text: String) { append(Array((PrintableText.line(text) + lineEnd).utf8)) }

    func append(_ bytes: [UInt8]) {
        guard isOpen else { return }
        if outbox.count + bytes.count > Self.limit { flush() }
        guard outbox.count + bytes.count <= Self.limit else {
            dropped += max(1, bytes.count { $0 == UInt8(ascii: "\n") })
            return
        }
        outbox.append(bytes)
        flush()
    }

    func flush() {
        while isWaiting {
            switch output.flush(&outbox) {
            case .written(let count): if count == 0 { return }
            case .closed:
                isOpen = false
                return outbox.clear()
            }
        }
        guard isOpen, dropped > 0 else { return }
        let count = dropped
        dropped = 0
        notice("stage1: \(count) lines were dropped, as nobody read standard error")
    }
}
