// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Where this invocation finds its data and configuration, and what it may skip.
package struct Settings: Sendable {
    package var dataDirectory: FilePath
    package var systemConfiguration: FilePath
    package var localConfiguration: FilePath
    package var userConfiguration: FilePath?
    package var isDebug: Bool
    package var insecure: InsecureOptions

    package init(
        dataDirectory: FilePath = "/var/lib/rkt", systemConfiguration: FilePath = "/usr/lib/rkt",
        localConfiguration: FilePath = "/etc/rkt", userConfiguration: FilePath? = nil, isDebug: Bool = false,
        insecure: InsecureOptions = []
    ) {
        self.dataDirectory = dataDirectory
        self.systemConfiguration = systemConfiguration
        self.localConfiguration = localConfiguration
        self.userConfiguration = userConfiguration
        self.isDebug = isDebug
        self.insecure = insecure
    }

    /// Where installed stage1 images stand.
    package static let stage1Directory: FilePath = "/usr/lib/rkt/stage1-images"
    /// File name of the stage1 image that is used when none is asked for.
    package static let stage1FileName = "stage1-kvm.aci"
}
