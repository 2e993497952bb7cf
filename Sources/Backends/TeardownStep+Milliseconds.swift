// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

extension TeardownStep {
    /// Its patience.
    var milliseconds: Int {
        let (seconds, attoseconds) = patience.components
        return Int(clamping: seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
