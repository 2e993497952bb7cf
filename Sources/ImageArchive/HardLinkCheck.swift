// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Checks that every hard link of an archive leads to a file in it.
///
/// Most links name a file before them, and that is settled at once. The others wait for the end.
struct HardLinkCheck {
    private var waiting: [NameSet.Key: (path: FilePath, target: FilePath)] = [:]

    /// Notes a link.
    ///
    /// - Parameter isSettled: whether a file, or a link that is settled, has the target's name already.
    mutating func add(_ path: FilePath, _ key: NameSet.Key, to target: FilePath, isSettled: Bool) {
        if !isSettled { waiting[key] = (path, target) }
    }

    /// Whether a name is that of a link whose target is not known yet.
    func isWaiting(_ key: NameSet.Key) -> Bool { waiting[key] != nil }

    /// What is wrong with a link that waited; nil when all is well. Every link is followed once.
    ///
    /// - Parameter isFile: whether the archive has a name and it is no directory's.
    func problem(isFile: (NameSet.Key) -> Bool) -> String? {
        /// The number of the chain that a link was followed in.
        var chains: [NameSet.Key: Int] = [:]
        for (number, start) in waiting.keys.enumerated() {
            var key = start
            while chains[key] == nil, let (path, target) = waiting[key] {
                chains[key] = number
                let next = NameSet.Key(target)
                guard chains[next] != number else {
                    return "\(ArchiveName.quoted(path)) is a hard link that leads back to itself"
                }
                guard isFile(next) else {
                    return "\(ArchiveName.quoted(path)) is a hard link to \(ArchiveName.quoted(target)), which is no "
                        + "file of the image"
                }
                key = next
            }
        }
        return nil
    }
}
