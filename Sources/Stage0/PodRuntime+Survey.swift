// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageStore
import LinuxPlatform

extension PodRuntime {
    /// What this host can run, and why not. Nothing is made, changed or fetched.
    package func survey() throws -> HostReport {
        let census = Stage1Census(settings: settings) {
            // Opening a store makes what it lacks.
            guard FileSystem.exists(StoreLayout(dataDirectory: settings.dataDirectory).database) else { return nil }
            return try imageFinder()
        }
        return HostReport(
            checks: try HostFacts(gathering: settings).checks, stage1Images: census.reports())
    }
}
