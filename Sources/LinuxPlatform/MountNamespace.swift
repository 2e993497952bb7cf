// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// A mount namespace, kept open (mount_namespaces(7)).
package struct MountNamespace: Sendable {
    private let descriptor: FileDescriptor

    /// The one that this process is in now, to come back to.
    package init() throws { try self.init(opening: "/proc/self/ns/mnt") }

    /// The one of a running process.
    package init(of process: Int32) throws { try self.init(opening: FilePath("/proc/\(process)/ns/mnt")) }

    private init(opening path: FilePath) throws {
        do {
            descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", path, errno)
        }
    }

    /// Takes the calling thread there for good; its root and working directory become the namespace's root.
    package func join() throws {
        // Threads that share a working directory may not change their mount namespace.
        try check(rkt_unshare(CInt(RKT_CLONE_FS)), "unshare")
        try check(rkt_setns(descriptor.rawValue, CInt(RKT_CLONE_NEWNS)), "setns")
    }

    /// Runs something there and waits for it, in a thread of its own whose working directory is the root. Programs that it
    /// starts are in the namespace, too.
    package func enter<Value>(_ body: () throws -> Value) throws -> Value {
        try NamespaceThread.run {
            try join()
            return try body()
        }
    }
}
