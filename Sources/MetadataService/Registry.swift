// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import LinuxPlatform

/// A pod that may ask, and what it is told.
struct RegisteredPod: Equatable, Sendable {
    struct Image: Equatable, Sendable {
        /// As it came.
        let manifest: [UInt8]
        let annotations: Annotations
    }

    let uuid: PodUUID
    /// The SHA-256 of the token, which is not kept itself.
    let tokenDigest: [UInt8]
    let addresses: [IPAddress]
    /// As it came.
    let manifest: [UInt8]
    let facts: PodManifest
    /// The IDs of the apps' images, as the manifest has them.
    let imageIDs: [String: String]
    var images: [String: Image] = [:]

    init(
        _ uuid: PodUUID, tokenDigest: [UInt8], addresses: [IPAddress], manifest: [UInt8]
    ) throws(ManifestError) {
        self.uuid = uuid
        self.tokenDigest = tokenDigest
        self.addresses = addresses
        self.manifest = manifest
        facts = try PodManifest(parsing: manifest)
        var imageIDs: [String: String] = [:]
        for app in (try? JSONValue(parsing: manifest))?["apps"]?.array ?? [] {
            if let name = app["name"]?.string { imageIDs[name] = app["image"]?["id"]?.string }
        }
        self.imageIDs = imageIDs
    }

    /// The bytes of its manifests.
    var size: Int { images.values.reduce(manifest.count) { $0 + $1.manifest.count } }

    /// The annotations of an app's image with those of the pod's app set over them; nil when either is not known.
    func annotations(ofApp name: String) -> Annotations? {
        guard let app = facts.app(named: name), let image = images[name] else { return nil }
        return image.annotations.merging(app.annotations)
    }

    static func digest(ofToken token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }
}

/// The pods that may ask.
struct Registry: Sendable {
    private var pods: [PodUUID: RegisteredPod] = [:]
    private var byToken: [[UInt8]: PodUUID] = [:]
    /// How many pods have an address: on the host's network it is that of all.
    private var byAddress: [IPAddress: Int] = [:]
    /// Bytes of all manifests.
    private(set) var size = 0
    private let podLimit: Int
    private let sizeLimit: Int

    init(podLimit: Int = 4096, sizeLimit: Int = 128 << 20) {
        self.podLimit = podLimit
        self.sizeLimit = sizeLimit
    }

    var count: Int { pods.count }

    /// Takes a pod, in place of what is known of it; the images of apps that it still has are kept.
    mutating func put(_ new: RegisteredPod) throws(Refusal) -> RegisteredPod {
        if let owner = byToken[new.tokenDigest], owner != new.uuid {
            throw Refusal(409, "the token is that of another pod; choose one by chance")
        }
        var pod = new
        let old = pods[new.uuid]
        for (app, image) in old?.images ?? [:] where pod.facts.app(named: app) != nil && pod.images[app] == nil {
            pod.images[app] = image
        }
        guard old != nil || pods.count < podLimit else {
            throw Refusal(507, "there are \(podLimit) pods already, which is the limit")
        }
        try check(pod, replacing: old)
        remove(new.uuid)
        pods[pod.uuid] = pod
        byToken[pod.tokenDigest] = pod.uuid
        for address in pod.addresses { byAddress[address, default: 0] += 1 }
        size += pod.size
        return pod
    }

    /// Takes the manifest of an app's image.
    mutating func putImage(_ uuid: PodUUID, app: String, manifest: [UInt8]) throws(Refusal) -> RegisteredPod {
        guard var pod = pods[uuid] else { throw Refusal(404, "pod \(uuid) is not registered") }
        guard pod.facts.app(named: app) != nil else {
            throw Refusal(400, "the manifest of pod \(uuid) has no app \(app)")
        }
        do throws(ManifestError) {
            let facts = try ImageManifest(parsing: manifest)
            pod.images[app] = RegisteredPod.Image(manifest: manifest, annotations: facts.annotations)
        } catch {
            throw Refusal(400, "the body is not an image manifest: \(error)")
        }
        return try put(pod)
    }

    private func check(_ pod: RegisteredPod, replacing old: RegisteredPod?) throws(Refusal) {
        guard size - (old?.size ?? 0) + pod.size <= sizeLimit else {
            throw Refusal(507, "the manifests of all pods would have more than \(sizeLimit) bytes, which is the limit")
        }
    }

    /// - Returns: whether the pod was known.
    @discardableResult
    mutating func remove(_ uuid: PodUUID) -> Bool {
        guard let pod = pods.removeValue(forKey: uuid) else { return false }
        byToken[pod.tokenDigest] = nil
        for address in pod.addresses {
            let left = (byAddress[address] ?? 0) - 1
            byAddress[address] = left > 0 ? left : nil
        }
        size -= pod.size
        return true
    }

    func contains(_ uuid: PodUUID) -> Bool { pods[uuid] != nil }

    /// Whether a pod has the address; connections of others are closed.
    func knows(_ address: IPAddress) -> Bool { byAddress[address.withoutMapping] != nil }

    /// The pod of a token, when it has this address.
    func pod(token: String, address: IPAddress) -> RegisteredPod? {
        guard RegistrationRequest.isToken(token), let uuid = byToken[RegisteredPod.digest(ofToken: token)],
            let pod = pods[uuid], pod.addresses.contains(address.withoutMapping)
        else { return nil }
        return pod
    }
}
