// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// The mount namespace that this process is in when the value is made, to come back to (mount_namespaces(7)).
package struct MountNamespace: Sendable {
    private let descriptor: FileDescriptor

    package init() throws {
        do {
            descriptor = try FileDescriptor.open("/proc/self/ns/mnt", .readOnly, options: [.closeOnExec])
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", "/proc/self/ns/mnt", errno)
        }
    }

    /// Runs something there and waits for it, in a thread of its own whose working directory is the root. Programs that it
    /// starts are in the namespace, too.
    package func enter<Value>(_ body: () throws -> Value) throws -> Value {
        try NamespaceThread.run {
            // Threads that share a working directory may not change their mount namespace.
            try check(rkt_unshare(CInt(RKT_CLONE_FS)), "unshare")
            try check(rkt_setns(descriptor.rawValue, CInt(RKT_CLONE_NEWNS)), "setns")
            return try body()
        }
    }
}
