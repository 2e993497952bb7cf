// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What an image is called, what it needs and what it runs.
package struct ImageManifest: Hashable, Sendable {
    /// Another image whose files lie beneath this one's.
    package struct Dependency: Hashable, Sendable {
        /// The name by which the image is found.
        package var imageName: ACIdentifier
        /// When given, the image obtained must have this ID.
        package var imageID: ImageID?
        package var labels: Labels
        /// Bytes; 0 stands for unset.
        package var size: UInt64

        package init(imageName: ACIdentifier, imageID: ImageID? = nil, labels: Labels = [], size: UInt64 = 0) {
            self.imageName = imageName
            self.imageID = imageID
            self.labels = labels
            self.size = size
        }
    }

    /// The version of the specification the manifest was written for.
    package var acVersion: ACVersion
    /// What the image is found by.
    package var name: ACIdentifier
    package var labels: Labels
    /// Absent in images that only serve as dependencies.
    package var app: App?
    /// Images beneath this one, laid down in list order.
    package var dependencies: [Dependency]
    /// The only paths that may exist in the finished root filesystem; empty for no restriction.
    package var pathWhitelist: [String]
    package var annotations: Annotations

    package init(
        acVersion: ACVersion = .current, name: ACIdentifier, labels: Labels = [], app: App? = nil,
        dependencies: [Dependency] = [], pathWhitelist: [String] = [], annotations: Annotations = []
    ) {
        self.acVersion = acVersion
        self.name = name
        self.labels = labels
        self.app = app
        self.dependencies = dependencies
        self.pathWhitelist = pathWhitelist
        self.annotations = annotations
    }

    /// Reads a manifest; everything that breaks a rule is an error that names the field.
    package init(parsing document: some Collection<UInt8>) throws(ManifestError) {
        let field = try ManifestField(parsing: document, kind: ImageManifest.kind)
        acVersion = try field["acVersion"].requiredScalar(ACVersion.init(parsing:))
        name = try field["name"].requiredScalar(ACIdentifier.init(parsing:))
        labels = try Labels(field: field["labels"])
        app = try field["app"].object() == nil ? nil : App(field: field["app"])
        dependencies = try field["dependencies"].list(Dependency.init(field:))
        pathWhitelist = try field["pathWhitelist"].strings()
        annotations = try Annotations(field: field["annotations"])
    }

    static let kind = "ImageManifest"

    /// The value of a label, nil when the image lacks it.
    package func label(_ name: String) -> String? { labels[name] }

    /// The value of an annotation, nil when the image lacks it.
    package func annotation(_ name: String) -> String? { annotations[name] }

    /// The label `version`; an empty one counts as absent.
    package var version: String? { labels["version"].flatMap { $0.isEmpty ? nil : $0 } }

    /// What a user should be told although the manifest is accepted, one sentence each.
    package var warnings: [String] {
        acVersion.warnings(of: "image \(name)") + (app?.isolators.warnings(of: "image \(name)") ?? [])
    }

    /// The manifest as JSON in the order of the schema, without what is empty or has its default.
    package func encoded(pretty: Bool = false) -> String { json.encoded(pretty: pretty) }

    private var json: JSONValue {
        var object = JSONObject()
        object.set("acKind", .string(ImageManifest.kind))
        object.set("acVersion", .string(acVersion.string))
        object.set("name", .string(name.string))
        if !labels.isEmpty { object.set("labels", labels.json) }
        if let app { object.set("app", app.json) }
        if !dependencies.isEmpty { object.set("dependencies", .array(dependencies.map(\.json))) }
        if !pathWhitelist.isEmpty { object.set("pathWhitelist", .array(pathWhitelist.map { .string($0) })) }
        if !annotations.isEmpty { object.set("annotations", annotations.json) }
        return .object(object)
    }
}

extension ImageManifest.Dependency {
    init(field: ManifestField) throws(ManifestError) {
        self.init(
            imageName: try field["imageName"].requiredScalar(ACIdentifier.init(parsing:)),
            imageID: try field["imageID"].scalar(ImageID.init(parsing:)),
            labels: try Labels(field: field["labels"]),
            size: UInt64(try field["size"].integer(0...Int.max) ?? 0))
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("imageName", .string(imageName.string))
        if let imageID { object.set("imageID", .string(imageID.string)) }
        if !labels.isEmpty { object.set("labels", labels.json) }
        if size > 0 { object.set("size", JSONValue(size)) }
        return .object(object)
    }
}

extension ACVersion {
    /// A warning when the manifest of something was written for another major version of the specification.
    func warnings(of thing: String) -> [String] {
        isCompatible ? [] : ["the manifest of \(thing) is written for version \(self) of the specification"]
    }
}
