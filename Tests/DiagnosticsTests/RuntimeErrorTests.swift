// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Testing

struct RuntimeErrorTests {
    @Test func theChainRunsFromTheOutsideIn() {
        let error = RuntimeError(
            .notFound, "app web",
            cause: RuntimeError(.internal, "reading its manifest", cause: RuntimeError(.internal, "open /x")))
        #expect(error.chain == ["app web", "reading its manifest", "open /x"])
        #expect(error.description == "app web: reading its manifest: open /x")
    }

    @Test func bothErrorsOfAFailedCleanupAreShown() {
        let error = CleanupError(primary: RuntimeError(.internal, "first"), cleanup: RuntimeError(.internal, "second"))
        #expect(error.description == "first; and while cleaning up: second")
    }
}
