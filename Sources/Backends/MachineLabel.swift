// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform

extension ProcessLabel {
    /// The context of a hypervisor.
    init(_ context: SELinuxContext) { self.init(context.description, remedy: SELinuxContext.remedy) }
}
