// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// The kind `paths`: where things are kept.
package struct PathsConfiguration: ConfigurationKind {
    package static let name = "paths"
    package static let directory = "paths.d"

    /// Images and pods.
    package private(set) var data: FilePath?
    /// The directory of installed stage1 images.
    package private(set) var stage1Images: FilePath?

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        try PathsConfiguration.read(document.root["data"], into: &data)
        try PathsConfiguration.read(document.root["stage1-images"], into: &stage1Images)
    }

    package mutating func override(with later: PathsConfiguration) {
        data = later.data ?? data
        stage1Images = later.stage1Images ?? stage1Images
    }

    package var entries: [JSONObject] {
        guard data != nil || stage1Images != nil else { return [] }
        var object = JSONObject()
        if let data { object.set("data", .string(data.string)) }
        if let stage1Images { object.set("stage1-images", .string(stage1Images.string)) }
        return [object]
    }

    private static func read(_ field: ConfigurationField, into place: inout FilePath?) throws {
        guard let text = try field.string() else { return }
        guard text.hasPrefix("/") else { throw field.failure("\(ScalarError.quoted(text)) is not an absolute path") }
        guard place == nil else { throw field.failure("another file of this directory has set it already") }
        place = FilePath(text)
    }
}
