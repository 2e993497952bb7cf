// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HostConfiguration
import SystemPackage

/// Where this invocation finds its data and configuration, and what it may skip.
package struct Settings: Sendable {
    package var dataDirectory: FilePath
    package var systemConfiguration: FilePath
    package var localConfiguration: FilePath
    package var userConfiguration: FilePath?
    /// Where installed stage1 images stand.
    package var stage1Images: FilePath = "/usr/lib/rkt/stage1-images"
    package var isDebug: Bool
    package var insecure: InsecureOptions
    /// Whether keys that a name's domain offers by HTTPS are trusted for it without asking.
    package var trustsKeysFromHTTPS = false

    package init(
        dataDirectory: FilePath = standardDataDirectory,
        systemConfiguration: FilePath = standardSystemConfiguration,
        localConfiguration: FilePath = standardLocalConfiguration, userConfiguration: FilePath? = nil,
        isDebug: Bool = false, insecure: InsecureOptions = []
    ) {
        self.dataDirectory = dataDirectory
        self.systemConfiguration = systemConfiguration
        self.localConfiguration = localConfiguration
        self.userConfiguration = userConfiguration
        self.isDebug = isDebug
        self.insecure = insecure
    }

    package static let standardDataDirectory: FilePath = "/var/lib/rkt"
    package static let standardSystemConfiguration: FilePath = "/usr/lib/rkt"
    package static let standardLocalConfiguration: FilePath = "/etc/rkt"
    /// File name of the stage1 image that is used when none is asked for.
    package static let stage1FileName = "stage1-kvm.aci"

    /// The directories of configuration; each overrides those before it.
    ///
    /// Only what the caller has named must be readable for the caller: other users may not see an administrator's
    /// passwords, and have no need to.
    package var configuration: [ConfigurationPlace] {
        var places = [
            ConfigurationPlace(
                systemConfiguration, mustBeReadable: systemConfiguration != Settings.standardSystemConfiguration),
            ConfigurationPlace(
                localConfiguration, mustBeReadable: localConfiguration != Settings.standardLocalConfiguration),
        ]
        if let userConfiguration { places.append(ConfigurationPlace(userConfiguration)) }
        return places
    }

    /// The directories of networks; each overrides those before it.
    package var networkDirectories: [FilePath] { configuration.map { $0.path.appending("net.d") } }

    /// Takes over the paths that are configured.
    ///
    /// - Parameter keepsData: whether a flag has set the data directory, which counts more.
    package mutating func readPaths(keepsData: Bool) throws {
        let paths = try HostConfiguration(reading: configuration, [PathsConfiguration.self])[PathsConfiguration.self]
        if let data = paths.data, !keepsData { dataDirectory = data }
        if let images = paths.stage1Images { stage1Images = images }
    }
}
