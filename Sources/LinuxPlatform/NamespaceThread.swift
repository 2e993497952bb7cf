// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// A thread that enters namespaces and ends, as all other threads stay where they are.
enum NamespaceThread {
    /// What a thread does, for the C function that it begins with.
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    static func run<Value>(_ body: () throws -> Value) throws -> Value {
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
