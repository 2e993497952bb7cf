// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Names already seen, 16 bytes for each however long it is.
struct NameSet {
    /// Stands for a name.
    ///
    /// The two hashes are keyed at random for each process, so nobody can make an image whose names collide.
    struct Key: Hashable {
        private let first: Int
        private let second: Int

        init(_ path: FilePath) {
            func hash(_ number: UInt8) -> Int {
                var hasher = Hasher()
                hasher.combine(number)
                hasher.combine(path)
                return hasher.finalize()
            }
            first = hash(1)
            second = hash(2)
        }
    }

    private var keys: Set<Key> = []

    var count: Int { keys.count }

    func contains(_ key: Key) -> Bool { keys.contains(key) }

    /// False when the name was there.
    mutating func insert(_ key: Key) -> Bool { keys.insert(key).inserted }

    mutating func remove(_ key: Key) { keys.remove(key) }
}
