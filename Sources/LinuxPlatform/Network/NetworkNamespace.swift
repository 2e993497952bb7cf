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
        try inThread {
            try check(rkt_setns(namespace.rawValue, CInt(RKT_CLONE_NEWNET)), "setns")
            return try body()
        }
    }

    /// A new namespace, which lasts for as long as it is open or used.
    package static func make() throws -> FileDescriptor {
        try inThread {
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

    /// What a thread does, for the C function that it begins with.
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private static func inThread<Value>(_ body: () throws -> Value) throws -> Value {
        var outcome: Result<Value, any Error>?
        try withoutActuallyEscaping(body) { body in
            let work = Work { outcome = Result { try body() } }
            var thread = pthread_t()
            var all = sigset_t()
            var before = sigset_t()
            sigfillset(&all)
            // The thread begins with the mask of the one that starts it: signals are for the others.
            pthread_sigmask(SIG_SETMASK, &all, &before)
            // SAFETY: `work` lives until the thread has been joined.
            let result = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Work>.fromOpaque(context).takeUnretainedValue().body() }
                    return nil
                }, Unmanaged.passUnretained(work).toOpaque())
            pthread_sigmask(SIG_SETMASK, &before, nil)
            guard result == 0 else { throw RuntimeError.systemCall("pthread_create", nil, Errno(rawValue: result)) }
            withExtendedLifetime(work) { _ = pthread_join(thread, nil) }
        }
        guard let outcome else { throw RuntimeError(.internal, "a thread has ended without a result") }
        return try outcome.get()
    }
}
