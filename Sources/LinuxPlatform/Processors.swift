// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims

/// The processors of the host.
package enum Processors {
    /// How many this process may use (sched_getaffinity(2)): those of its unit, where that has CPUAffinity= or
    /// AllowedCPUs=.
    package static var usable: Int {
        let count = Int(rkt_usable_processors())
        return count > 0 ? count : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
}
