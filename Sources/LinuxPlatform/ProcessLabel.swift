// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// The context of SELinux that a program is to run in. One that it cannot get is an error: it is not started without.
package struct ProcessLabel: Sendable, Equatable {
    package let context: String
    /// What to do when it cannot be had, for the message.
    package let remedy: String
    /// Where the kernel takes it (proc_pid_attr(5)).
    package let file: FilePath

    /// - Parameter file: another one in tests, as the kernel's exists only where there is such a security module.
    package init(_ context: String, remedy: String, file: FilePath = "/proc/thread-self/attr/exec") {
        self.context = context
        self.remedy = remedy
        self.file = file
    }

    /// The steps of `rkt_spawn`.
    private static let execution: Int32 = 8
    private static let label: Int32 = 13

    /// Why a program was not started, if that may be because of its context: the kernel refuses one that it does not know
    /// when it is written, and one that the policy does not allow when the program is executed.
    func failure(_ program: FilePath, step: Int32, _ errno: Errno) -> RuntimeError? {
        switch step {
        case Self.label:
            RuntimeError(
                .permissionDenied,
                "cannot give \(program) the SELinux context \"\(context)\": \(file): \(errno); \(remedy)")
        case Self.execution where errno == .permissionDenied || errno == .notPermitted:
            RuntimeError(
                .permissionDenied,
                "cannot execute \(program) in the SELinux context \"\(context)\": \(errno); \(remedy)")
        default: nil
        }
    }
}

/// Sockets that a program is given have to be its own: a policy does not let it use those of whoever has started it.
extension ProcessLabel {
    /// Where the kernel takes the context of sockets that a thread makes from then on.
    package static let sockets: FilePath = "/proc/thread-self/attr/sockcreate"

    /// Gives the context to all sockets that `body` makes. Programs that it starts do not inherit that.
    ///
    /// - Parameter file: another one in tests.
    package func onSockets<Value>(file: FilePath = sockets, _ body: () throws -> Value) throws -> Value {
        try write(context, to: file)
        let result = Result { try body() }
        // This is what the kernel takes for none.
        try write("\n", to: file)
        return try result.get()
    }

    private func write(_ text: String, to file: FilePath) throws {
        do {
            let attribute = try FileDescriptor.open(file, .writeOnly, options: .closeOnExec)
            try attribute.closeAfter { _ = try attribute.writeAll(text.utf8) }
        } catch {
            throw RuntimeError(
                .permissionDenied,
                "cannot give sockets the SELinux context \"\(context)\": \(file): \(error); \(remedy)")
        }
    }
}
