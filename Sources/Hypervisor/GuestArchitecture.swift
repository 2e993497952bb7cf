// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What processor a machine has. A machine for pods has the host's.
package enum GuestArchitecture: String, Sendable, CaseIterable {
    case x86_64
    case aarch64

    /// That of this program, and so of the host.
    package static var host: GuestArchitecture {
        #if arch(arm64)
            .aarch64
        #else
            .x86_64
        #endif
    }
}
