// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
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

    /// Makes a pod that has run and exited, as far as its directories tell.
    func exitedPod(_ uuid: PodUUID = PodUUID()) throws -> Pod {
        try store.create(uuid).run().release()
        return try store.find(uuid.description)
    }
}
