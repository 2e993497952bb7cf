// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What a fetched image must be.
struct ImageDemand {
    /// Its name, and labels it must have with these values.
    var name: ImageName?
    var id: ImageID?

    /// Refuses an image that is another one.
    func check(_ manifest: ImageManifest, _ id: ImageID, from place: String) throws {
        if let name {
            guard manifest.name == name.name else {
                throw RuntimeError(
                    .untrusted,
                    "the image from \(place) is named \"\(manifest.name)\", but \"\(name.name)\" was asked for")
            }
            for label in name.labels where !(label.name == "version" && label.value.isEmpty) {
                guard let value = manifest.labels[label.name.string] else {
                    throw RuntimeError(
                        .untrusted, "requested label \"\(label.name)\" not provided by the image manifest")
                }
                guard value == label.value else {
                    throw RuntimeError(
                        .untrusted,
                        "requested value for label \"\(label.name)\": \"\(label.value)\" differs from fetched aci "
                            + "label value: \"\(value)\"")
                }
            }
        }
        if let wanted = self.id, !wanted.matches(id) {
            throw RuntimeError(
                .untrusted, "the image from \(place) has the ID \(id.short), but \(wanted.short) was asked for")
        }
    }
}
