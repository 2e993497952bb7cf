// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// A pod manifest written by the user, whose images must be in the store.
struct PodManifestFile {
    let path: FilePath

    /// Completes the manifest: every app gets its image's full identity, and its app section if it lacks one.
    ///
    /// - Returns: the manifest, and its apps' images in order.
    func resolve(in store: ImageStore, _ notices: Notices) throws -> (PodManifest, [StoredImage]) {
        var manifest: PodManifest
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path)
        } catch {
            throw RuntimeError(.notFound, "--pod-manifest=\(path)", cause: error)
        }
        do {
            manifest = try PodManifest(parsing: PodManifestFile.completingIDs(in: bytes, store))
        } catch {
            throw RuntimeError(.invalidArgument, "invalid pod manifest \(path)", cause: error)
        }
        guard !manifest.apps.isEmpty else {
            throw RuntimeError(.invalidArgument, "pod must contain at least one application")
        }
        var images: [StoredImage] = []
        var volumes = VolumeBinding(manifest.volumes)
        for index in manifest.apps.indices {
            let (image, imageManifest) = try find(manifest.apps[index], in: store)
            images.append(image)
            try ImagePlatform.check(imageManifest)
            if manifest.apps[index].app == nil { manifest.apps[index].app = imageManifest.app }
            guard let app = manifest.apps[index].app, !app.exec.isEmpty else {
                throw RuntimeError(
                    .invalidArgument,
                    "app \"\(manifest.apps[index].name)\" of pod manifest \(path) has no program to run, nor has its image"
                )
            }
            manifest.apps[index].image = RuntimeImage(
                id: image.id, name: imageManifest.name, labels: imageManifest.labels)
            try volumes.bind(
                &manifest.apps[index], manifest.apps[index].mounts, of: imageManifest, notices)
        }
        volumes.describe(in: &manifest)
        do {
            _ = try manifest.forwardedPorts { $0.app }
        } catch {
            throw RuntimeError(.invalidArgument, "invalid pod manifest \(path)", cause: error)
        }
        if manifest.annotation(PodAnnotation.mutable.string) == nil {
            manifest.annotations.set(PodAnnotation.mutable, "false")
        }
        return (manifest, images)
    }

    private func find(_ app: RuntimeApp, in store: ImageStore) throws -> (StoredImage, ImageManifest) {
        let image: StoredImage
        if let id = app.image.id {
            image = try store.image(matching: id.key)
        } else if let name = app.image.name {
            let wanted = ImageName(name: name, labels: app.image.labels)
            guard let found = try store.image(named: wanted) else { throw ImageFinder.notInStore(wanted) }
            image = found
        } else {
            throw RuntimeError(.invalidArgument, "app \"\(app.name)\" of pod manifest \(path) names no image")
        }
        return (image, try store.manifest(of: image))
    }

    /// Image IDs may be abbreviated here, which the manifest's type does not allow.
    private static func completingIDs(in bytes: [UInt8], _ store: ImageStore) throws -> [UInt8] {
        var document = try JSONValue(parsing: bytes)
        guard var root = document.object, var apps = document["apps"]?.array else { return bytes }
        for index in apps.indices {
            guard var app = apps[index].object, var image = app.value(forKey: "image")?.object,
                let text = image.value(forKey: "id")?.string, (try? ImageID(parsing: text)) == nil
            else { continue }
            let id = try store.image(matching: text).id.string
            PodManifestFile.replace("id", in: &image, by: .string(id))
            PodManifestFile.replace("image", in: &app, by: .object(image))
            apps[index] = .object(app)
        }
        PodManifestFile.replace("apps", in: &root, by: .array(apps))
        document = .object(root)
        return Array(document.encoded(pretty: false).utf8)
    }

    /// Sets a member whatever case its key has in the document.
    private static func replace(_ key: String, in object: inout JSONObject, by value: JSONValue) {
        let stored = object.members.last { $0.key == key } ?? object.members.last { $0.key.lowercased() == key }
        object.set(stored?.key ?? key, value)
    }
}
