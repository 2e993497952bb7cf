// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Network namespaces by descriptor (network_namespaces(7)).
package enum NetworkNamespace {
    /// Runs something in a namespace and waits for it.
    ///
    /// It runs in a thread of its own that enters the namespace and ends, as all other threads stay where they are.
    /// Sockets and devices that it opens go on belonging to the namespace, and so do programs that it starts.
    package static func enter<Value>(_ namespace: FileDescriptor, _ body: () throws -> Value) throws -> Value {
        try NamespaceThread.run {
            try check(rkt_setns(namespace.rawValue, CInt(RKT_CLONE_NEWNET)), "setns")
            return try body()
        }
    }

    /// A new namespace, which lasts for as long as it is open or used.
    package static func make() throws -> FileDescriptor {
        try NamespaceThread.run {
            try check(rkt_unshare(CInt(RKT_CLONE_NEWNET)), "unshare")
            return try open("/proc/thread-self/ns/net")
        }
    }

    /// Opens a namespace by the path that it is mounted at.
    package static func open(_ path: FilePath) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", path, errno)
        }
    }
}
