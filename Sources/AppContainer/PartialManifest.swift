// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What can be told about an image whose manifest breaks a rule; nothing but `acKind` was checked.
package struct PartialImageManifest: Hashable, Sendable {
    package var acVersion: String
    package var name: String
    package var labels: [PartialLabel]

    /// Reads a well-formed document with `acKind` `ImageManifest`; what is missing or no text is empty.
    package init(parsing document: some Collection<UInt8>) throws(ManifestError) {
        let field = try ManifestField(parsing: document, kind: ImageManifest.kind)
        acVersion = field["acVersion"].leniently
        name = field["name"].leniently
        labels = PartialLabel.list(field["labels"])
    }

    /// The value of a label, nil when the image lacks it.
    package func label(_ name: String) -> String? { labels.first { $0.name == name }?.value }
}

/// What can be told about a pod whose manifest breaks a rule; nothing but `acKind` was checked.
package struct PartialPodManifest: Hashable, Sendable {
    /// An app, as far as it can be told.
    package struct App: Hashable, Sendable {
        package var name: String
        package var imageName: String
        package var imageID: String
        package var imageLabels: [PartialLabel]
    }

    package var acVersion: String
    package var apps: [App]

    /// Reads a well-formed document with `acKind` `PodManifest`; what is missing or no text is empty.
    package init(parsing document: some Collection<UInt8>) throws(ManifestError) {
        let field = try ManifestField(parsing: document, kind: PodManifest.kind)
        acVersion = field["acVersion"].leniently
        apps = ((try? field["apps"].elements()) ?? []).map { app in
            let image = app["image"]
            return App(
                name: app["name"].leniently, imageName: image["name"].leniently, imageID: image["id"].leniently,
                imageLabels: PartialLabel.list(image["labels"]))
        }
    }
}

/// A name and a value of which neither was checked.
package struct PartialLabel: Hashable, Sendable {
    package var name: String
    package var value: String

    fileprivate static func list(_ field: ManifestField) -> [PartialLabel] {
        ((try? field.elements()) ?? []).map {
            PartialLabel(name: $0["name"].leniently, value: $0["value"].leniently)
        }
    }
}

extension ManifestField {
    /// The text, empty when there is none.
    fileprivate var leniently: String { value?.string ?? "" }
}
