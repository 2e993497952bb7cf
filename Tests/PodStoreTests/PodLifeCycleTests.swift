// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Dispatch
import Glibc
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

struct PodLifeCycleTests {
    @Test func aNewPodIsLockedInThePreparePhase() throws {
        let scratch = try ScratchStore()
        let handle = try scratch.store.create()
        let uuid = handle.uuid
        #expect(handle.phase == .prepare)
        #expect(try scratch.store.find(uuid.description).state == .preparing)
        handle.release()
        _ = try scratch.pod(uuid, in: .abortedPrepare)
    }

    @Test func preparedPodsWaitUnlocked() throws {
        let scratch = try ScratchStore()
        let handle = try scratch.store.create()
        let uuid = handle.uuid
        try handle.finishPreparing()
        let pod = try scratch.store.find(uuid.description)
        #expect(pod.state == .prepared)
        #expect(try eventually { try scratch.canClaim(pod) })
    }

    @Test func theLockIsHeldThroughThePhases() throws {
        let scratch = try ScratchStore()
        let preparing = try scratch.store.create()
        let uuid = preparing.uuid
        let running = try preparing.run()
        #expect(try scratch.store.find(uuid.description).state == .running)
        running.release()
        let exited = try scratch.pod(uuid, in: .exited)

        let claimed = try scratch.claim(exited).mark()
        #expect(try scratch.store.find(uuid.description).state == .exitedDeleting)
        claimed.release()
        let marked = try scratch.pod(uuid, in: .exitedGarbage)

        try scratch.claim(marked).remove()
        #expect(scratch.store.pod(uuid) == nil)
    }

    @Test func aPodThatNeverRanBecomesGarbage() throws {
        let scratch = try ScratchStore()
        let handle = try scratch.store.create()
        let uuid = handle.uuid
        let marked = try handle.mark()
        #expect(marked.phase == .garbage)
        #expect(try scratch.store.find(uuid.description).state == .deleting)
        marked.release()
    }

    @Test func onlyOneOfTwoStartsWins() throws {
        let scratch = try ScratchStore()
        let handle = try scratch.store.create()
        let uuid = handle.uuid
        try handle.finishPreparing()
        // Both have looked at the pod before either acts.
        let seenByFirst = try scratch.store.find(uuid.description)
        let seenBySecond = try scratch.store.find(uuid.description)
        let first = try scratch.claim(seenByFirst).run()
        #expect(try !scratch.canClaim(seenBySecond))
        first.release()
        // Unlocked again, but no longer where the second one saw it.
        #expect(try !scratch.canClaim(seenBySecond))
    }

    @Test func aMarkedPodIsNotMarkedAgain() throws {
        let scratch = try ScratchStore()
        let marked = try scratch.claim(scratch.exitedPod()).mark()
        do {
            try marked.mark().release()
            Issue.record("it was")
        } catch let error as RuntimeError {
            #expect(error.code == .invalidState)
        }
    }

    @Test func theLoserOfARaceToMarkIsToldThatThePodHasMoved() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        let handle = try scratch.claim(pod)
        try FileSystem.rename(
            pod.layout.directory, to: scratch.store.layout(of: pod.uuid, in: .exitedGarbage).directory)
        do {
            try handle.mark().release()
            Issue.record("it was marked twice")
        } catch let error as RuntimeError {
            #expect(error.code == .notFound)
        }
    }

    @Test func removalOfAHalfRemovedPodIsFine() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        let handle = try scratch.claim(pod)
        try FileSystem.removeTree(pod.layout.directory)
        try handle.remove()
    }

    @Test func waitingEndsWhenTheLockIsGivenBack() throws {
        let scratch = try ScratchStore()
        let handle = try scratch.store.create().run()
        let pod = try scratch.store.find(handle.uuid.description)
        #expect(try !scratch.store.waitForExit(of: pod, deadline: Clock.milliseconds + 20))
        handle.release()
        #expect(try scratch.store.waitForExit(of: pod, deadline: Clock.milliseconds + 10_000))
        #expect(try scratch.store.waitForExit(of: pod))
    }

    @Test func aClaimWaitsForThoseWhoLook() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        let lock = try FileLock.acquire(pod.layout.directory, .shared)
        #expect(try !scratch.canClaim(pod))
        // On a thread of its own: the claim holds one of those that tests have, and the others may be held, too.
        let look = DispatchQueue(label: "look")
        look.asyncAfter(deadline: .now() + .milliseconds(200)) { [descriptor = lock.descriptor] in
            flock(descriptor.rawValue, LOCK_UN)
        }
        if let handle = try scratch.store.claim(pod, patience: 10_000) {
            handle.release()
        } else {
            Issue.record("the pod was not claimed when nobody looked any more")
        }
        look.sync {}
        lock.release()
    }

    @Test func aClaimDoesNotWaitForAnOwner() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        let owner = try scratch.claim(pod)
        let start = Clock.milliseconds
        if let handle = try scratch.store.claim(pod, patience: 60_000) {
            handle.release()
            Issue.record("two have the pod")
        }
        #expect(Clock.milliseconds - start < 30_000)
        owner.release()
    }
}
