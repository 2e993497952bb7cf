// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Pods with contexts of SELinux of their own. What contexts a pod has stands in its directory, and goes with it.
extension PodStore {
    /// Gives a pod what is chosen in view of what all pods of this data directory have, also those that wait for their
    /// removal. It is written down before this returns, and nobody else chooses meanwhile.
    ///
    /// - Parameters:
    ///   - layout: of a pod that the caller has possession of.
    ///   - choose: is told what other pods have; nil for nothing.
    package func assignLabels(
        to layout: PodLayout, choose: (_ others: [String]) throws -> String?
    ) throws {
        let lock = try lockChoice()
        defer { lock.release() }
        if let text = try choose(labelsOfPods(except: layout)) {
            try FileSystem.writeAtomically(text.utf8, to: layout.labels)
        }
    }

    private func labelsOfPods(except layout: PodLayout) throws -> [String] {
        var found: [String] = []
        try forEachLayout { other in
            guard other != layout else { return }
            do {
                found.append(try FileSystem.readText(other.labels, limit: 4096))
            } catch let error as RuntimeError where error.code == .notFound {
                // It has none.
            }
        }
        return found
    }
}
