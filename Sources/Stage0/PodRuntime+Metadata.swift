// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import MetadataRegistration
import Networking
import PodStore

/// Pods that the metadata service knows.
extension PodRuntime {
    /// Refuses what cannot be had before images are looked for.
    func checkMetadataService(_ options: RunOptions) throws {
        if options.registersWithMetadata { try RegistrationClient().checkPresence() }
    }

    /// What names a pod to the service; nil for one that is not to be registered.
    func metadataToken(_ options: RunOptions) -> String? {
        options.registersWithMetadata ? PodMetadata.token() : nil
    }

    /// Makes a pod known to the service, and leaves the file that says where its apps find that. Its networks are there.
    func register(
        _ layout: PodLayout, _ uuid: PodUUID, _ manifest: PodManifest, _ start: StartCall, _ choices: StartChoices
    ) throws {
        guard let token = start.metadataToken else { return }
        let (host, addresses) = try reach(layout, uuid, choices)
        // From here on whoever ends the pod takes it back.
        try PodMetadata().write(to: layout.metadata)
        let client = RegistrationClient()
        let port = try client.register(
            uuid, token: token, addresses: addresses, manifest: FileSystem.read(layout.manifest))
        for app in manifest.apps {
            try client.register(
                uuid, app: app.name, image: FileSystem.read(layout.imageManifest(app.name.string)))
        }
        try PodMetadata(url: PodMetadata.url(host, port: port, token: token)).write(to: layout.metadata)
    }

    /// Where the pod finds this host, and the addresses that it comes from.
    private func reach(
        _ layout: PodLayout, _ uuid: PodUUID, _ choices: StartChoices
    ) throws -> (host: IPAddress, addresses: [IPAddress]) {
        guard choices.networks.selection != .host else {
            let loopback = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }
            return (loopback[0], loopback)
        }
        let networks = try PodNetworks(
            uuid: uuid,
            files: PodNetworks.Files(
                directory: layout.directory, resolved: layout.networks, journal: layout.networkJournal,
                namespace: layout.networkNamespace, info: layout.networkInfo)
        ).joined()
        let host = try HostGateway.choose(networks, host: HostGateway.hostAddresses())
        return (host, networks.flatMap(\.addresses))
    }

    /// Takes a pod back from the service, if it may be known there. That it cannot be is no reason to keep the pod.
    func endRegistration(_ layout: PodLayout, _ uuid: PodUUID) {
        do {
            try PodMetadata.unregister(uuid, layout.metadata)
        } catch {
            notices.warning("stage0", "pod \"\(uuid)\" stays registered with the metadata service: \(error)")
        }
    }
}
