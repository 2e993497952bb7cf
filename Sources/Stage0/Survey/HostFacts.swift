// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HostConfiguration
import Hypervisor
import Networking
import SystemPackage

/// What was seen of a host; nothing is concluded yet.
package struct HostFacts: Sendable, Equatable {
    /// The directory that images and pods are kept in.
    package struct Data: Sendable, Equatable {
        package var path: FilePath
        /// The deepest directory on the way that exists.
        package var existing: FilePath
        /// Permission bits of `existing`.
        package var mode: UInt32
        package var isDirectory: Bool
        package var isWritable: Bool
        /// The magic number of statfs(2).
        package var fileSystem: Int64
        package var freeBytes: UInt64
        package var overlay: OverlayProspect

        package init(
            path: FilePath, existing: FilePath, mode: UInt32 = 0o750, isDirectory: Bool = true, isWritable: Bool = true,
            fileSystem: Int64 = 0xef53, freeBytes: UInt64 = 1 << 40, overlay: OverlayProspect = .possible
        ) {
            self.path = path
            self.existing = existing
            self.mode = mode
            self.isDirectory = isDirectory
            self.isWritable = isWritable
            self.fileSystem = fileSystem
            self.freeBytes = freeBytes
            self.overlay = overlay
        }
    }

    /// Whether pods can have overlays on shared trees.
    package enum OverlayProspect: Sendable, Equatable {
        case possible
        case impossible(String)
        /// It shows when a pod is made.
        case uncertain
    }

    /// Something wrong with a file of the configuration.
    package struct ConfigurationProblem: Sendable, Equatable {
        package var text: String
        /// Whether pods are refused because of it.
        package var stopsPods: Bool

        package init(_ text: String, stopsPods: Bool) {
            self.text = text
            self.stopsPods = stopsPods
        }
    }

    package struct ControlGroups: Sendable, Equatable {
        /// 1, 2, or both.
        package var versions: [Int]
        /// Those that hold for groups below this process's own.
        package var controllers: Set<String>

        package init(versions: [Int], controllers: Set<String>) {
            self.versions = versions
            self.controllers = controllers
        }
    }

    /// What the configuration's networks take; nil when it cannot be read, which is a problem of its own.
    package var plugins: PluginSurvey?

    package var user: UInt32
    /// The groups of rkt that the caller is a member of.
    package var groups: [String]
    package var data: Data
    package var configurationProblems: [ConfigurationProblem]
    /// What a pod is not started without, if that is configured.
    package var minimumIsolation: String?
    /// Why KVM cannot be used; nil when it can.
    package var virtualizationProblem: String?
    /// Why no interface of a machine can be made; nil when it can.
    package var tapProblem: String?
    /// What becomes of pods that cannot be measured; nil when nothing is configured that can be read.
    package var measurement: MeasurementConfiguration.Policy?
    /// How the TPM is reached that pods are measured into; nil for none.
    package var tpm: String?
    /// Why pods cannot be measured; nil when they can.
    package var tpmProblem: String?
    /// Whether the kernel has SELinux.
    package var hasSELinux = false
    /// The contexts that its policy has for pods; nil for no policy.
    package var labels: SELinuxPolicy?
    /// Whether pods are to get none of them.
    package var labelsAreOff = false
    package var kernelRelease: String
    package var controlGroups: ControlGroups?
    /// How many user namespaces there may be; nil for a kernel without.
    package var userNamespaces: Int?
    package var hasSeccomp: Bool
    /// Programs for packet filter rules.
    package var packetFilters: [String]
    package var gpg: FilePath?
    /// Where trusted keys are looked for.
    package var keyDirectories: [FilePath]
    package var hasKeys: Bool
    /// Where the program that talks to the network belongs.
    package var download: FilePath
    package var hasDownload: Bool
    /// Whether journalctl can be shown what pods log.
    package var hasJournalConverter: Bool

    package init(
        user: UInt32 = 0, groups: [String] = [], data: Data, configurationProblems: [ConfigurationProblem] = [],
        minimumIsolation: String? = nil, virtualizationProblem: String? = nil, tapProblem: String? = nil,
        kernelRelease: String = "6.1.0", controlGroups: ControlGroups? = nil, userNamespaces: Int? = nil,
        hasSeccomp: Bool = true, plugins: PluginSurvey? = nil, packetFilters: [String] = [], gpg: FilePath? = nil,
        keyDirectories: [FilePath] = [], hasKeys: Bool = false, download: FilePath, hasDownload: Bool = true,
        hasJournalConverter: Bool = true
    ) {
        self.user = user
        self.groups = groups
        self.data = data
        self.configurationProblems = configurationProblems
        self.minimumIsolation = minimumIsolation
        self.virtualizationProblem = virtualizationProblem
        self.tapProblem = tapProblem
        self.kernelRelease = kernelRelease
        self.controlGroups = controlGroups
        self.userNamespaces = userNamespaces
        self.hasSeccomp = hasSeccomp
        self.plugins = plugins
        self.packetFilters = packetFilters
        self.gpg = gpg
        self.keyDirectories = keyDirectories
        self.hasKeys = hasKeys
        self.download = download
        self.hasDownload = hasDownload
        self.hasJournalConverter = hasJournalConverter
    }
}
