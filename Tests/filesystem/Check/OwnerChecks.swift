// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// chown(2), and the bits that make programs run as others.
enum OwnerChecks {
    static let all = [
        Check("owner/change") {
            try make("file")
            try call("chown", chown("file", 12, 34))
            try call("chown of the user", chown("file", 56, .max))
            try expect("the owner", [try status("file").st_uid, try status("file").st_gid], [56, 34])
            try call("chown of the group", chown("file", .max, 78))
            try expect("the owner", [try status("file").st_uid, try status("file").st_gid], [56, 78])
            try call("large numbers", chown("file", 4_000_000_000, 4_000_000_001))
            try expect("the owner", try status("file").st_uid, 4_000_000_000)
            try expect("the group", try status("file").st_gid, 4_000_000_001)
        },
        Check("owner/change-refused") {
            try make("file")
            try call("chown", chown("file", 1000, 1000))
            try asUser(1000) {
                try refused("to another user", EPERM, chown("file", 1001, .max))
                try refused("to another group", EPERM, chown("file", .max, 2000))
                try call("to the own group", chown("file", .max, 1000))
            }
            try asUser(1001) { try refused("a file of others", EPERM, chown("file", 1001, 1001)) }
        },
        Check("owner/of-new-files") {
            try call("chmod", chmod(".", 0o777))
            try asUser(1000, 2000) {
                try make("file")
                try makeDirectory("directory")
                try call("symlink", symlink("x", "link"))
                for path in ["file", "directory", "link"] {
                    let status = try status(path)
                    try expect("the owner of \(path)", [status.st_uid, status.st_gid], [1000, 2000])
                }
            }
        },
        Check("owner/change-clears-set-user-id") {
            for user in [0, 1000] as [uid_t] {
                try make("file-\(user)")
                try call("chown", chown("file-\(user)", user, user))
                try call("chmod", chmod("file-\(user)", 0o6755))
                let path = "file-\(user)"
                if user == 0 {
                    try call("chown", chown(path, 1, 1))
                } else {
                    try asUser(user) { try call("chown", chown(path, user, user)) }
                }
                try expect("the mode after user \(user)", try status(path).permissions, 0o755)
            }
            try makeDirectory("directory")
            try call("chmod", chmod("directory", 0o6755))
            try call("chown", chown("directory", 1, 1))
            try expect("a directory's mode", try status("directory").permissions, 0o6755)
        },
        Check("owner/write-clears-set-user-id") {
            try make("file")
            try call("chmod", chmod("file", 0o6777))
            try asUser(1000) {
                let file = try File("file", O_WRONLY)
                try file.write("text")
                try expect("the mode", try file.status().permissions, 0o777)
            }
            try expect("the mode", try status("file").permissions, 0o777)
        },
        Check("owner/truncate-clears-set-user-id") {
            try make("file", "text")
            try call("chmod", chmod("file", 0o6777))
            try asUser(1000) { try call("truncate", truncate("file", 1)) }
            try expect("the mode", try status("file").permissions, 0o777)
        },
        Check("owner/write-clears-capabilities") {
            try make("file", "text")
            var value = [UInt8](repeating: 0, count: 20)
            value[3] = 2
            value[5] = 4
            try call("setting", fs_set_attribute("file", "security.capability", value, value.count, 0))
            let file = try File("file", O_WRONLY)
            try file.write("new")
            try refused("capabilities", ENODATA, fs_get_attribute("file", "security.capability", nil, 0))
        },
    ]
}
