// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Extended attributes (xattr(7)).
enum AttributeChecks {
    static let all = [
        Check("attribute/user") {
            try make("file")
            try makeDirectory("directory")
            for path in ["file", "directory"] {
                try call("setting", fs_set_attribute(path, "user.color", "green", 5, 0))
                try expect("the value", try value(path, "user.color"), "green")
                try expect("the size", try call("asking", fs_get_attribute(path, "user.color", nil, 0)), 5)
                try expect("the list has it", try list(path).contains("user.color"))
                try call("changing", fs_set_attribute(path, "user.color", "red", 3, 0))
                try expect("the value", try value(path, "user.color"), "red")
                try call("removing", fs_remove_attribute(path, "user.color"))
                try refused("reading", ENODATA, fs_get_attribute(path, "user.color", nil, 0))
                try expect("the list is without it", try !list(path).contains("user.color"))
            }
        },
        Check("attribute/flags") {
            try make("file")
            let replace = FS_ATTRIBUTE_REPLACE, create = FS_ATTRIBUTE_CREATE
            try refused("replacing", ENODATA, fs_set_attribute("file", "user.a", "1", 1, replace))
            try call("creating", fs_set_attribute("file", "user.a", "1", 1, create))
            try refused("creating again", EEXIST, fs_set_attribute("file", "user.a", "2", 1, create))
            try call("replacing", fs_set_attribute("file", "user.a", "3", 1, replace))
            try expect("the value", try value("file", "user.a"), "3")
        },
        Check("attribute/sizes") {
            try make("file")
            try call("an empty one", fs_set_attribute("file", "user.empty", "", 0, 0))
            try expect("the value", try value("file", "user.empty"), "")
            let large = String(repeating: "x", count: 2000)
            try call("a large one", fs_set_attribute("file", "user.large", large, large.utf8.count, 0))
            try expect("the value", try value("file", "user.large") == large)
            var buffer = [UInt8](repeating: 0, count: 8)
            try refused("a short buffer", ERANGE, fs_get_attribute("file", "user.large", &buffer, 8))
            try refused("a short list", ERANGE, fs_list_attributes("file", &buffer, 8))
            for number in 0..<20 {
                try call("one of many", fs_set_attribute("file", "user.number-\(number)", "x", 1, 0))
            }
            try expect("how many there are", try list("file").count { $0.hasPrefix("user.") }, 22)
        },
        Check("attribute/refused") {
            try make("file")
            try refused("removing what is missing", ENODATA, fs_remove_attribute("file", "user.none"))
            try refused("no namespace", EOPNOTSUPP, fs_set_attribute("file", "color", "x", 1, 0))
            try refused("no name", EINVAL, fs_set_attribute("file", "user.", "x", 1, 0))
            let long = "user." + String(repeating: "x", count: 251)
            try refused("a long name", ERANGE, fs_set_attribute("file", long, "x", 1, 0))
            try refused("of what is missing", ENOENT, fs_set_attribute("missing", "user.x", "x", 1, 0))
            try call("symlink", symlink("file", "link"))
            try refused("on a link", EPERM, fs_set_link_attribute("link", "user.x", "x", 1))
            try asUser(1000) { try refused("of others", EACCES, fs_set_attribute("file", "user.x", "x", 1, 0)) }
        },
        Check("attribute/stays") {
            try make("file")
            try call("setting", fs_set_attribute("file", "user.color", "green", 5, 0))
            try call("rename", rename("file", "moved"))
            try call("chmod", chmod("moved", 0o600))
            try make("moved", "text")
            try call("link", link("moved", "other"))
            try expect("the value", try value("other", "user.color"), "green")
        },
        Check("attribute/capability") {
            // VFS_CAP_REVISION_2 with CAP_NET_BIND_SERVICE (capabilities(7)).
            var bytes = [UInt8](repeating: 0, count: 20)
            bytes[3] = 2
            bytes[5] = 4
            try make("file", mode: 0o755)
            try call("setting", fs_set_attribute("file", "security.capability", bytes, bytes.count, 0))
            var read = [UInt8](repeating: 0, count: 64)
            let count = try call("reading", fs_get_attribute("file", "security.capability", &read, 64))
            try expect("the value", Array(read.prefix(count)), bytes)
            try expect("the list has it", try list("file").contains("security.capability"))
            try asUser(1000) {
                try refused(
                    "by another user", EPERM, fs_set_attribute("file", "security.capability", bytes, bytes.count, 0))
            }
            try call("removing", fs_remove_attribute("file", "security.capability"))
        },
    ]

    private static func value(_ path: String, _ name: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try call("reading \(name)", fs_get_attribute(path, name, &buffer, buffer.count))
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    private static func list(_ path: String) throws -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try call("listing", fs_list_attributes(path, &buffer, buffer.count))
        return buffer.prefix(count).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
