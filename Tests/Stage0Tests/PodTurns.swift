// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Turns of tests that watch a pod while it runs.
///
/// Whoever waits for the process of a pod holds one of the threads that tests have, of which there are as many as
/// processors, until another task ends the pod. With two processors, two of them at once leave no thread for that.
actor PodTurns {
    static let shared = PodTurns()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Waits until nobody else has the turn. Whoever has it says when it is over.
    func begin() async {
        if isTaken {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isTaken = true
        }
    }

    func end() {
        if waiting.isEmpty {
            isTaken = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}
