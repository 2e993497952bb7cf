// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Glibc

/// SHA-512 of blocks, each computed by a second thread while its user does something else with the same block.
///
/// The thread is started by the first large block, takes no signals, and has ended when the digest is there or this
/// object is gone: a program that executes another one afterwards has one thread again.
final class ConcurrentHash {
    private var hash = SHA512()
    /// What the second thread is to do next; nil ends it. It changes hands with the semaphores.
    private var block: UnsafeRawBufferPointer?
    private var thread: pthread_t?
    private var isBusy = false
    // Semaphores must not move.
    private let ready = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// Handing over a smaller block costs more than it saves.
    private static let threshold = 64 << 10

    init() {
        sem_init(ready, 0, 0)
        sem_init(done, 0, 0)
    }

    deinit {
        stop()
        sem_destroy(ready)
        sem_destroy(done)
        ready.deallocate()
        done.deallocate()
    }

    /// Adds a block, which must stay as it is until `wait()` has returned.
    func update(_ bytes: UnsafeRawBufferPointer) {
        wait()
        if bytes.count >= ConcurrentHash.threshold, thread == nil { start() }
        guard bytes.count >= ConcurrentHash.threshold, thread != nil else {
            hash.update(bufferPointer: bytes)
            return
        }
        block = bytes
        isBusy = true
        sem_post(ready)
    }

    /// Waits until the last block is done with.
    func wait() {
        guard isBusy else { return }
        while sem_wait(done) != 0 {}
        isBusy = false
    }

    /// The digest of all blocks.
    func finalize() -> SHA512Digest {
        stop()
        return hash.finalize()
    }

    // MARK: - The second thread

    /// Without a thread everything is done by the caller.
    private func start() {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        // The thread begins with the mask of the one that starts it.
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        // SAFETY: this object joins the thread before it goes.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<ConcurrentHash>.fromOpaque(context).takeUnretainedValue().work() }
                return nil
            }, context)
        if result == 0 { self.thread = thread }
    }

    private func stop() {
        wait()
        guard let thread else { return }
        block = nil
        sem_post(ready)
        pthread_join(thread, nil)
        self.thread = nil
    }

    private func work() {
        while true {
            while sem_wait(ready) != 0 {}
            guard let block else { return }
            hash.update(bufferPointer: block)
            sem_post(done)
        }
    }
}
