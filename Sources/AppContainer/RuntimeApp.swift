// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// An app of a pod: an image and how it is run.
package struct RuntimeApp: Hashable, Sendable {
    /// Where a volume appears in the app's root filesystem.
    package struct Mount: Hashable, Sendable {
        /// The name of one of the pod's volumes, unless ``appVolume`` is given.
        package var volume: ACName
        /// Absolute within the app's root filesystem.
        package var path: String
        /// Used in place of the pod's volume of that name.
        package var appVolume: Volume?

        package init(volume: ACName, path: String, appVolume: Volume? = nil) {
            self.volume = volume
            self.path = path
            self.appVolume = appVolume
        }
    }

    /// Which image an app runs.
    package struct Image: Hashable, Sendable {
        /// Absent only in templates.
        package var id: ImageID?
        package var name: ACIdentifier?
        package var labels: Labels

        package init(id: ImageID?, name: ACIdentifier? = nil, labels: Labels = []) {
            self.id = id
            self.name = name
            self.labels = labels
        }
    }

    /// The identity of the app in its pod, unrelated to the name of its image.
    package var name: ACName
    /// What the app runs.
    package var image: RuntimeImage
    /// Replaces the image's section as a whole.
    package var app: App?
    /// Whether the root filesystem is read-only; volumes are not affected.
    package var readOnlyRootFS: Bool
    /// Where volumes appear.
    package var mounts: [Mount]
    /// Set over the image's annotations in metadata queries.
    package var annotations: Annotations

    package init(
        name: ACName, image: RuntimeImage, app: App? = nil, readOnlyRootFS: Bool = false, mounts: [Mount] = [],
        annotations: Annotations = []
    ) {
        self.name = name
        self.image = image
        self.app = app
        self.readOnlyRootFS = readOnlyRootFS
        self.mounts = mounts
        self.annotations = annotations
    }
}

/// Which image an app runs.
package typealias RuntimeImage = RuntimeApp.Image

extension RuntimeApp {
    init(field: ManifestField) throws(ManifestError) {
        self.init(
            name: try field["name"].requiredScalar(ACName.init(parsing:)),
            image: try Image(field: field["image"]),
            app: try field["app"].object() == nil ? nil : App(field: field["app"]),
            readOnlyRootFS: try field["readOnlyRootFS"].bool() ?? false,
            mounts: try field["mounts"].list(Mount.init(field:)),
            annotations: try Annotations(field: field["annotations"]))
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("name", .string(name.string))
        object.set("image", image.json)
        if let app { object.set("app", app.json) }
        if readOnlyRootFS { object.set("readOnlyRootFS", true) }
        if !mounts.isEmpty { object.set("mounts", .array(mounts.map(\.json))) }
        if !annotations.isEmpty { object.set("annotations", annotations.json) }
        return .object(object)
    }
}

extension RuntimeApp.Image {
    init(field: ManifestField) throws(ManifestError) {
        _ = try field.object()
        self.init(
            id: try field["id"].scalar(ImageID.init(parsing:)),
            name: try field["name"].scalar(ACIdentifier.init(parsing:)),
            labels: try Labels(field: field["labels"]))
    }

    var json: JSONValue {
        var object = JSONObject()
        if let id { object.set("id", .string(id.string)) }
        if let name { object.set("name", .string(name.string)) }
        if !labels.isEmpty { object.set("labels", labels.json) }
        return .object(object)
    }
}

extension RuntimeApp.Mount {
    init(field: ManifestField) throws(ManifestError) {
        let appVolume = try field["appVolume"].object() == nil ? nil : Volume(field: field["appVolume"])
        let volume = try field["volume"].scalar(ACName.init(parsing:)) ?? appVolume?.name
        guard let volume else { throw field["volume"].failure("is required but missing") }
        self.init(volume: volume, path: try field["path"].absolutePath(), appVolume: appVolume)
    }

    /// Reads the command-line form `volume=NAME,target=PATH`; `path=` is accepted for `target=`.
    package init(parsing text: String) throws(ScalarError) {
        var volume: ACName?
        var path: String?
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch (pair[0], pair.count) {
            case ("volume", 2) where volume == nil: volume = try ACName(parsing: String(pair[1]))
            case ("target", 2) where path == nil, ("path", 2) where path == nil: path = String(pair[1])
            default: throw ScalarError(text, "is not a mount: expected volume=NAME,target=PATH")
            }
        }
        guard let volume, let path else { throw ScalarError(text, "is not a mount: expected volume=NAME,target=PATH") }
        guard path.hasPrefix("/") else { throw ScalarError(path, "is not an absolute path") }
        self.init(volume: volume, path: path)
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("volume", .string(volume.string))
        object.set("path", .string(path))
        if let appVolume { object.set("appVolume", appVolume.json) }
        return .object(object)
    }
}
