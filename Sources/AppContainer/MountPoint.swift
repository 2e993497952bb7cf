// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A place in an app's root filesystem where the image expects a volume.
package struct MountPoint: Hashable, Sendable {
    /// Matched against the names of the pod's volumes when no mount is given.
    package var name: ACName
    /// Absolute within the app's root filesystem.
    package var path: String
    /// Counts only when the volume does not say.
    package var readOnly: Bool

    package init(name: ACName, path: String, readOnly: Bool = false) {
        self.name = name
        self.path = path
        self.readOnly = readOnly
    }

    /// Reads `work,path=/opt,readOnly=true`.
    package init(parsing text: String) throws(ScalarError) {
        var fields = try OptionFields(parsing: text, keys: ["path", "readOnly"])
        name = fields.name
        guard let path = fields.take("path") else { throw ScalarError(text, "has no path=") }
        guard path.hasPrefix("/") else { throw ScalarError(path, "is not an absolute path") }
        self.path = path
        readOnly = try fields.takeBool("readOnly") ?? false
    }

    init(field: ManifestField) throws(ManifestError) {
        name = try field["name"].requiredScalar(ACName.init(parsing:))
        path = try field["path"].absolutePath()
        readOnly = try field["readOnly"].bool() ?? false
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("name", .string(name.string))
        object.set("path", .string(path))
        if readOnly { object.set("readOnly", true) }
        return .object(object)
    }
}

extension ManifestField {
    /// A path that must be there and begin with a slash.
    func absolutePath() throws(ManifestError) -> String {
        let path = try requiredString()
        _ = try cString()
        guard path.hasPrefix("/") else { throw failure("\(ScalarError.quoted(path)) is not an absolute path") }
        return path
    }
}
