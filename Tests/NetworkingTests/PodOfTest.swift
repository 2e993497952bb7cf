// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import Networking
import SystemPackage

/// A pod's directory, as far as networks are concerned.
struct PodOfTest {
    let uuid = PodUUID()
    let directory: FilePath
    var networks: PodNetworks

    /// - Parameters:
    ///   - configurations: documents of networks, which come before the built-in ones.
    ///   - selection: the value of `--net`.
    init(
        in parent: FilePath, _ selection: String = "default",
        configurations: [(file: String, document: String)] = [], plugins: FilePath? = nil
    ) throws {
        directory = parent.appending(uuid.description)
        let local = directory.appending("etc").appending("net.d")
        try FileSystem.makeDirectories(local)
        for (file, document) in configurations { try FileSystem.write(document.utf8, to: local.appending(file)) }
        let files = PodNetworks.Files(
            directory: directory, resolved: directory.appending("networks"),
            journal: directory.appending("network-journal"), namespace: directory.appending("netns"),
            info: directory.appending("net-info.json"))
        let resolved = try ResolvedNetworks(
            NetworkSelection(parsing: [selection]), directories: [local],
            localConfiguration: directory.appending("etc"))
        try ResolvedNetworks(
            usesHostNetwork: resolved.usesHostNetwork, networks: resolved.networks,
            pluginPaths: plugins.map { [$0.string] } ?? resolved.pluginPaths
        ).write(to: files.resolved)
        networks = PodNetworks(uuid: uuid, files: files)
    }

    var namespace: FilePath { FilePath("/var/run/netns/cni-\(uuid)") }
    var hasJournal: Bool { FileSystem.exists(directory.appending("network-journal")) }

    func info() throws -> JSONValue { try JSONValue(parsing: FileSystem.read(directory.appending("net-info.json"))) }
}
