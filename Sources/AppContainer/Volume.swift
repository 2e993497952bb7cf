// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A directory that apps of a pod may mount.
package struct Volume: Hashable, Sendable {
    /// Where the contents come from.
    package enum Kind: Hashable, Sendable {
        /// An existing path of the host.
        case host(source: String)
        /// A fresh directory that lives as long as the pod; the mode is octal text such as `0755`.
        case empty(mode: String, uid: UInt32, gid: UInt32)

        /// An empty directory with mode 0755 that belongs to root.
        package static let emptyDefault = Kind.empty(mode: Volume.defaultMode, uid: 0, gid: 0)
    }

    /// What mounts and mount points call the volume by.
    package var name: ACName
    /// Where the contents come from.
    package var kind: Kind
    /// Nil when the volume does not say, then the mount point does.
    package var readOnly: Bool?
    /// Whether mounts below a host path are seen too; nil counts as true.
    package var recursive: Bool?

    static let defaultMode = "0755"

    package init(name: ACName, kind: Kind, readOnly: Bool? = nil, recursive: Bool? = nil) {
        self.name = name
        self.kind = kind
        self.readOnly = readOnly
        self.recursive = recursive
    }

    /// Reads `db,kind=host,source=/srv/db,readOnly=true` or `tmp,kind=empty,mode=1777,uid=0,gid=0`.
    package init(parsing text: String) throws(ScalarError) {
        let keys: Set = ["kind", "source", "readOnly", "recursive", "mode", "uid", "gid"]
        var fields = try OptionFields(parsing: text, keys: keys)
        name = fields.name
        readOnly = try fields.takeBool("readOnly")
        recursive = try fields.takeBool("recursive")
        guard let kind = fields.take("kind") else { throw ScalarError(text, "has no kind=") }
        let identifiers = 0...Int(UInt32.max - 1)
        let parts = KindParts(
            kind: kind, source: fields.take("source"), mode: fields.take("mode"),
            uid: try fields.takeNumber("uid", identifiers), gid: try fields.takeNumber("gid", identifiers))
        do throws(KindParts.Failure) {
            self.kind = try parts.resolved()
        } catch {
            throw ScalarError(text, "\(error.key)= \(error.reason)")
        }
    }

    /// Whether an app sees this volume read-only at a mount point: the volume decides when it says anything.
    package func isReadOnly(at mountPoint: MountPoint?) -> Bool { readOnly ?? mountPoint?.readOnly ?? false }

    /// The permission bits of an empty volume, nil for a host volume.
    package var modeBits: UInt32? {
        guard case .empty(let mode, _, _) = kind else { return nil }
        return UInt32(mode, radix: 8)
    }

    init(field: ManifestField) throws(ManifestError) {
        name = try field["name"].requiredScalar(ACName.init(parsing:))
        readOnly = try field["readOnly"].bool()
        recursive = try field["recursive"].bool()
        let identifiers = 0...Int(UInt32.max - 1)
        let parts = KindParts(
            kind: try field["kind"].requiredString(), source: try field["source"].cString(),
            mode: try field["mode"].string(), uid: try field["uid"].integer(identifiers),
            gid: try field["gid"].integer(identifiers))
        do throws(KindParts.Failure) {
            kind = try parts.resolved()
        } catch {
            throw field[error.key].failure(error.reason)
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("name", .string(name.string))
        switch kind {
        case .host(let source):
            object.set("kind", "host")
            object.set("source", .string(source))
        case .empty: object.set("kind", "empty")
        }
        if let readOnly { object.set("readOnly", .bool(readOnly)) }
        if let recursive { object.set("recursive", .bool(recursive)) }
        if case .empty(let mode, let uid, let gid) = kind {
            object.set("mode", .string(mode))
            object.set("uid", JSONValue(uid))
            object.set("gid", JSONValue(gid))
        }
        return .object(object)
    }
}

extension Volume: CustomStringConvertible {
    /// The command-line form, without what has its default.
    package var description: String {
        var parts = [name.string]
        switch kind {
        case .host(let source): parts += ["kind=host", "source=\(source)"]
        case .empty: parts.append("kind=empty")
        }
        if let readOnly { parts.append("readOnly=\(readOnly)") }
        if let recursive { parts.append("recursive=\(recursive)") }
        if case .empty(let mode, let uid, let gid) = kind {
            if mode != Volume.defaultMode { parts.append("mode=\(mode)") }
            if uid != 0 { parts.append("uid=\(uid)") }
            if gid != 0 { parts.append("gid=\(gid)") }
        }
        return parts.joined(separator: ",")
    }
}

/// The fields that depend on each other, as they were given.
private struct KindParts {
    struct Failure: Error {
        let key: String
        let reason: String
    }

    let kind: String
    let source: String?
    let mode: String?
    let uid: Int?
    let gid: Int?

    func resolved() throws(Failure) -> Volume.Kind {
        switch kind {
        case "host":
            guard let source, source.hasPrefix("/") else {
                throw Failure(key: "source", reason: "must be an absolute path for a volume of kind host")
            }
            let ownership = ["mode": mode != nil, "uid": uid != nil, "gid": gid != nil]
            if let key = ownership.filter(\.value).keys.min() {
                throw Failure(key: key, reason: "is allowed only for a volume of kind empty")
            }
            return .host(source: source)
        case "empty":
            guard source ?? "" == "" else {
                throw Failure(key: "source", reason: "is allowed only for a volume of kind host")
            }
            let mode = mode ?? Volume.defaultMode
            guard let bits = UInt32(mode, radix: 8), bits <= 0o7777, mode.utf8.allSatisfy(ASCII.isDigit) else {
                throw Failure(key: "mode", reason: "\(ScalarError.quoted(mode)) is not an octal mode such as 0755")
            }
            return .empty(mode: mode, uid: UInt32(uid ?? 0), gid: UInt32(gid ?? 0))
        default:
            throw Failure(key: "kind", reason: "\(ScalarError.quoted(kind)) is unknown: expected host or empty")
        }
    }
}
