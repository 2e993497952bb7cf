// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport

extension PodFixture {
    /// Configures a network for all pods that are started from now on.
    func configureNetwork(_ file: String, _ text: String) throws {
        let directory = path("configuration").appending("net.d")
        try FileSystem.makeDirectories(directory)
        try FileSystem.write(text.utf8, to: directory.appending(file))
    }

    /// Waits until a shell command succeeds beside the pods.
    func awaitOnNetwork(
        _ what: String, _ command: String, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let script = "for i in $(seq 300); do if \(command); then exit 0; fi; sleep 0.1; done; exit 1"
        let outcome = try await onNetwork(script)
        guard outcome.status == 0 else { throw FixtureError("\(what) did not happen: \(outcome.error)") }
    }
}
