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
        _ layout: PodLayout, _ uuid: PodUUID, _ manifest: PodManifest, _ start: StartCall
    ) throws {
        guard let token = start.metadataToken else { return }
        let (host, addresses) = try reach(layout, uuid)
        // From here on whoever ends the pod takes it back.
        try PodMetadata().write(to: layout.metadata)
        let port = try tell(layout, uuid, manifest, token, addresses)
        try PodMetadata(url: PodMetadata.url(host, port: port, token: token)).write(to: layout.metadata)
    }

    /// Tells the service what apps a running pod has now, if the pod is registered.
    func renewRegistration(_ layout: PodLayout, _ uuid: PodUUID, _ manifest: PodManifest) throws {
        guard let url = try PodMetadata(reading: layout.metadata)?.url, let token = url.split(separator: "/").last
        else { return }
        _ = try tell(layout, uuid, manifest, String(token), reach(layout, uuid).addresses)
    }

    /// - Returns: the port that the service listens on.
    private func tell(
        _ layout: PodLayout, _ uuid: PodUUID, _ manifest: PodManifest, _ token: String, _ addresses: [IPAddress]
    ) throws -> Int {
        let client = RegistrationClient()
        let port = try client.register(
            uuid, token: token, addresses: addresses, manifest: FileSystem.read(layout.manifest))
        for app in manifest.apps {
            try client.register(
                uuid, app: app.name, image: FileSystem.read(layout.imageManifest(app.name.string)))
        }
        return port
    }

    /// Where the pod finds this host, and the addresses that it comes from.
    private func reach(_ layout: PodLayout, _ uuid: PodUUID) throws -> (host: IPAddress, addresses: [IPAddress]) {
        guard try !ResolvedNetworks(reading: layout.networks).usesHostNetwork else {
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
        var client = RegistrationClient()
        endRegistration(layout, uuid, &client)
    }

    /// The same for one of many pods.
    ///
    /// - Parameter client: does not try again for the next pods once the service has not answered.
    func endRegistration(_ layout: PodLayout, _ uuid: PodUUID, _ client: inout RegistrationClient) {
        do {
            try PodMetadata.unregister(uuid, layout.metadata, client: client)
        } catch {
            client.hurry(after: error)
            notices.warning("stage0", "pod \"\(uuid)\" stays registered with the metadata service: \(error)")
        }
    }
}
