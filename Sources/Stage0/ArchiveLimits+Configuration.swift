// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HostConfiguration
import ImageArchive

extension ArchiveLimits {
    /// What is configured; the rest is what it is without configuration.
    package init(_ configuration: LimitsConfiguration) {
        self.init()
        if let entries = configuration.imageEntries { self.entries = entries }
        if let bytes = configuration.imageExpandedSize { expandedBytes = Int64(bytes) }
        if let bytes = configuration.imageSize { fileBytes = Int64(bytes) }
    }
}
