// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// A process, told apart from others that get its number later.
package struct ProcessIdentity: Equatable, Sendable {
    package let pid: Int32
    /// Clock ticks from the start of the kernel to that of the process. A program that it executes does not change it.
    package let startTime: UInt64

    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has the number now.
    ///
    /// - Throws: code `notFound` when there is none.
    package init(of pid: Int32) throws {
        let path = FilePath("/proc/\(pid)/stat")
        guard let startTime = try Self.field(22, in: FileSystem.read(path, limit: 1 << 16)).flatMap({ UInt64($0) })
        else {
            throw RuntimeError(.internal, "\(path) does not tell when the process was started")
        }
        self.init(pid: pid, startTime: startTime)
    }

    /// Whether it is there still, also when it has ended and nobody has waited for it.
    package var exists: Bool { (try? ProcessIdentity(of: pid)) == self }

    /// A field of proc_pid_stat(5), counted from 1.
    ///
    /// The second is the name, which the process chooses: it may hold brackets, spaces and lines.
    ///
    /// - Parameter number: 3 or more.
    package static func field(_ number: Int, in stat: [UInt8]) -> String? {
        guard number > 2, let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return fields.count > number - 3 ? String(decoding: fields[number - 3], as: UTF8.self) : nil
    }
}
