// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

extension PodLayout {
    /// The ids that the pod has for its own; nil when it has the host's users.
    ///
    /// - Throws: when the record cannot be read.
    package func readUsers() throws -> UserRange? {
        let text: String
        do {
            text = try FileSystem.readText(users, limit: 4096)
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
        do {
            return try UserRange(parsing: String(text.prefix { $0 != "\n" }))
        } catch {
            throw RuntimeError(
                .invalidArgument, "\(users) does not hold the user ids of a pod; remove the pod", cause: error)
        }
    }
}

/// Pods with users of their own. What ids a pod has stands in its directory, and goes with it.
extension PodStore {
    /// Milliseconds that others who choose are waited for.
    private static let choicePatience = 30_000

    /// Gives a pod user ids that no other pod of this data directory has, and the host has given to nobody else. They are
    /// written down before this returns.
    ///
    /// - Parameters:
    ///   - layout: of a pod that the caller has possession of.
    ///   - taken: ids that are not a pod's and not free.
    ///   - generator: where chance comes from.
    package func assignUsers(
        to layout: PodLayout, taken: [Range<UInt32>], using generator: inout some RandomNumberGenerator
    ) throws -> UserRange {
        let lock = try lockChoice()
        defer { lock.release() }
        let choice = try UserRangeChoice(taken: taken + usersOfPods().map(\.ids))
        let range = try choice.choose(using: &generator)
        try FileSystem.writeAtomically("\(range)\n".utf8, to: layout.users)
        return range
    }

    /// The lock is on the directory of all pods, which nothing else locks. It is held for a moment; whoever may look into
    /// the directory could hold it for ever.
    func lockChoice() throws -> FileLock {
        let deadline = Clock.milliseconds + Self.choicePatience
        var backoff = Backoff()
        repeat {
            if let lock = try FileLock.tryAcquire(directory, .exclusive) { return lock }
        } while backoff.pause(until: deadline)
        throw RuntimeError(
            .busy,
            "somebody keeps \(directory) locked, so that nothing can be chosen for a pod; see who does with lslocks(8)"
        )
    }

    /// The ids of all pods, also of those that wait for their removal.
    package func usersOfPods() throws -> [UserRange] {
        var found: [UserRange] = []
        try forEachLayout { if let range = try $0.readUsers() { found.append(range) } }
        return found
    }

    /// Looks at the directories of pods in all phases. One that goes to its next phase meanwhile is found there, as phases are
    /// looked through in their order.
    func forEachLayout(_ body: (PodLayout) throws -> Void) throws {
        for phase in PodPhase.allCases {
            let names: [String]
            do {
                names = try FileSystem.list(directory(of: phase))
            } catch let error as RuntimeError where error.code == .notFound {
                continue
            }
            for name in names { try body(PodLayout(directory: directory(of: phase).appending(name))) }
        }
    }
}
