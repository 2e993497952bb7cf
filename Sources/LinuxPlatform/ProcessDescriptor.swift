// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import Diagnostics
import SystemPackage

/// A process by a descriptor (pidfd_open(2)), which stays that process's when its number is used again.
package final class ProcessDescriptor {
    package let pid: Int32
    /// Readable when the process has ended; close-on-exec.
    package let descriptor: FileDescriptor

    /// - Throws: code `notFound` when there is no such process.
    package init(_ pid: Int32) throws {
        self.pid = pid
        descriptor = FileDescriptor(rawValue: try check(rkt_pidfd_open(pid), "pidfd_open"))
    }

    deinit { try? descriptor.close() }
}
