// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import PodStore
import SystemPackage
import TestSupport

/// A pod store in a directory of its own.
struct ScratchStore {
    private let scratch: ScratchDirectory
    let store: PodStore

    var directory: FilePath { scratch.path }

    init() throws {
        scratch = try ScratchDirectory()
        store = PodStore(dataDirectory: scratch.path)
    }

    /// Claims a pod; being refused is a failure of the test.
    func claim(_ pod: Pod) throws -> PodHandle {
        var backoff = Backoff()
        let deadline = Clock.milliseconds + 10_000
        repeat {
            if let handle = try store.claim(pod) { return handle }
        } while backoff.pause(until: deadline)
        throw Refusal()
    }

    /// Whether a claim would succeed.
    func canClaim(_ pod: Pod) throws -> Bool {
        guard let handle = try store.claim(pod) else { return false }
        handle.release()
        return true
    }

    /// The pod once it is in a state.
    func pod(_ uuid: PodUUID, in state: PodState) throws -> Pod {
        guard eventually({ store.pod(uuid)?.state == state }) else { throw Refusal() }
        return try store.find(uuid.description)
    }

    struct Refusal: Error {}

    /// Makes a pod that has run and exited, as far as its directories tell.
    func exitedPod(_ uuid: PodUUID = PodUUID()) throws -> Pod {
        try store.create(uuid).run().release()
        return try pod(uuid, in: .exited)
    }
}

/// Whether something holds now or soon. A program started by another test of this process keeps a copy of every open
/// descriptor, and with it the lock, for the moment until it is executed.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    var backoff = Backoff()
    let deadline = Clock.milliseconds + 10_000
    while try !condition() {
        guard backoff.pause(until: deadline) else { return false }
    }
    return true
}
