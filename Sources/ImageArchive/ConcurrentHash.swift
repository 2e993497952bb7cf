// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Glibc

/// SHA-512 of blocks, computed by a second thread from copies of them while its user goes on.
///
/// The thread is started by the first large block, takes no signals, and has ended when the digest is there or `stop()`
/// has returned, which the owner has to call: a program that executes another one afterwards has one thread again. The
/// thread keeps this object alive.
final class ConcurrentHash {
    private var hash = SHA512()
    /// The slots are filled and hashed in turns; the semaphores count those that are empty and those that are full.
    private let slots = UnsafeMutableRawBufferPointer.allocate(byteCount: slotCount * slotSize, alignment: 64)
    /// How many bytes of each slot count; zero ends the thread.
    private let lengths = UnsafeMutablePointer<Int>.allocate(capacity: slotCount)
    private let empty = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let full = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private var next = 0
    private var thread: pthread_t?

    private static let slotCount = 8
    private static let slotSize = DescriptorSource.blockSize
    /// Handing over a smaller block costs more than it saves.
    private static let threshold = 64 << 10

    init() {
        lengths.initialize(repeating: 0, count: ConcurrentHash.slotCount)
        sem_init(empty, 0, UInt32(ConcurrentHash.slotCount))
        sem_init(full, 0, 0)
    }

    deinit {
        sem_destroy(empty)
        sem_destroy(full)
        empty.deallocate()
        full.deallocate()
        lengths.deallocate()
        slots.deallocate()
    }

    /// Adds a block, which may change when this has returned.
    func update(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count >= ConcurrentHash.threshold, thread == nil { start() }
        guard thread != nil else { return hash.update(bufferPointer: bytes) }
        var rest = bytes
        while !rest.isEmpty {
            let count = min(rest.count, ConcurrentHash.slotSize)
            hand(over: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
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
        next = 0
        // SAFETY: the thread takes a reference of its own, and this object's owner lets none go before it is joined.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<ConcurrentHash>.fromOpaque(context).takeUnretainedValue().work() }
                return nil
            }, context)
        if result == 0 { self.thread = thread }
    }

    /// Fills the next slot, or with no bytes tells the thread to end.
    private func hand(over bytes: UnsafeRawBufferPointer) {
        while sem_wait(empty) != 0 {}
        slot(next).copyMemory(from: bytes)
        lengths[next] = bytes.count
        next = (next + 1) % ConcurrentHash.slotCount
        sem_post(full)
    }

    /// Ends the thread, after it has seen all blocks.
    func stop() {
        guard let thread else { return }
        hand(over: UnsafeRawBufferPointer(start: nil, count: 0))
        pthread_join(thread, nil)
        // The slot that said so.
        sem_post(empty)
        self.thread = nil
    }

    private func work() {
        var current = 0
        while true {
            while sem_wait(full) != 0 {}
            let count = lengths[current]
            if count == 0 { return }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: slot(current)[..<count]))
            current = (current + 1) % ConcurrentHash.slotCount
            sem_post(empty)
        }
    }

    private func slot(_ index: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            rebasing: slots[(index * ConcurrentHash.slotSize)..<((index + 1) * ConcurrentHash.slotSize)])
    }
}
