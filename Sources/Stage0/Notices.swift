// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Synchronization
import SystemPackage

/// Lines for the user on standard error, each with the component it comes from.
package struct Notices: Sendable {
    package let isDebug: Bool
    private let output: FileDescriptor
    private let told = Told()

    /// Warnings that have been shown: once is enough, of however many images they are true.
    private final class Told: Sendable {
        private let lines = Mutex<Set<String>>([])
        func insert(_ line: String) -> Bool { lines.withLock { $0.insert(line).inserted } }
    }

    package init(isDebug: Bool, output: FileDescriptor = .standardError) {
        self.isDebug = isDebug
        self.output = output
    }

    /// About finding images; shown with `--debug` only.
    package func image(_ text: @autoclosure () -> String) { debug("image", text()) }

    /// About setting up pods; shown with `--debug` only.
    package func stage0(_ text: @autoclosure () -> String) { debug("stage0", text()) }

    package func debug(_ component: String, _ text: @autoclosure () -> String) {
        if isDebug { write(component, text()) }
    }

    package func warning(_ component: String, _ text: String) { write(component, "warning: \(text)") }

    /// Tells what nobody makes sure of about servers that are asked.
    func warnOfServers(_ component: String, allowsPlainHTTP: Bool, verifiesServer: Bool) {
        if allowsPlainHTTP {
            warning(component, "plain HTTP has been allowed: what is sent can be read, what comes can be replaced")
        }
        if !verifiesServer { warning(component, "TLS verification has been disabled") }
    }

    /// Shows a line always, but a warning once. A closed standard error is not worth failing for.
    package func write(_ component: String, _ text: String) {
        if text.hasPrefix("warning: "), !told.insert("\(component): \(text)") { return }
        try? FileSystem.writeAll(Array("\(component): \(PrintableText.line(text))\n".utf8), to: output)
    }
}
