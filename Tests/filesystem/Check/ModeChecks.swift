// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Modes and what they allow.
enum ModeChecks {
    static let all = [
        Check("mode/mask") {
            umask(0o027)
            try make("file", mode: 0o666)
            try makeDirectory("directory", mode: 0o777)
            try call("symlink", symlink("x", "link"))
            try expect("the file's mode", try status("file").permissions, 0o640)
            try expect("the directory's mode", try status("directory").permissions, 0o750)
            try expect("the link's mode", try status("link").permissions, 0o777)
            umask(0)
            try make("all", mode: 0o666)
            try makeDirectory("open", mode: 0o1777)
            try expect("the file's mode", try status("all").permissions, 0o666)
            try expect("the directory's mode", try status("open").permissions, 0o1777)
        },
        Check("mode/change") {
            try make("file")
            try makeDirectory("directory")
            for mode in [0o000, 0o777, 0o4711, 0o2711, 0o1644, 0o7777] as [mode_t] {
                for path in ["file", "directory"] {
                    try call("chmod", chmod(path, mode))
                    try expect("the mode", try status(path).permissions, mode)
                }
            }
            let file = try File("file", O_RDONLY)
            try call("fchmod", fchmod(file.descriptor, 0o612))
            try expect("the mode", try file.status().permissions, 0o612)
            try call("symlink", symlink("file", "link"))
            try call("chmod", chmod("link", 0o621))
            try expect("the mode", try file.status().permissions, 0o621)
        },
        Check("mode/change-refused") {
            try make("file")
            try refused("what is missing", ENOENT, chmod("missing", 0o644))
            try asUser(1000) { try refused("a file of others", EPERM, chmod("file", 0o777)) }
            try call("chown", chown("file", 1000, 2000))
            try asUser(1000) {
                try call("an own file", chmod("file", 0o2755))
                // Who is not in the file's group cannot make it run as that.
                try expect("the mode", try status("file").permissions, 0o755)
            }
        },
        Check("mode/access") {
            try make("theirs", "text", mode: 0o600)
            try make("readable", "text", mode: 0o604)
            try makeDirectory("closed", mode: 0o700)
            try make("closed/file")
            try makeDirectory("search", mode: 0o711)
            try make("search/file")
            try asUser(1000) {
                try refused("opening", EACCES, open("theirs", O_RDONLY))
                try expect("the file", try contents("readable"), "text")
                try refused("writing", EACCES, open("readable", O_WRONLY))
                try refused("into a closed directory", EACCES, open("closed/file", O_RDONLY))
                try expect("the file", try contents("search/file"), "")
                try refused("listing", EACCES, open("search", O_RDONLY))
                try refused("creating", EACCES, open("search/new", O_CREAT | O_RDWR, 0o644))
                try refused("making a directory", EACCES, mkdir("search/new", 0o755))
                try refused("removing", EACCES, unlink("search/file"))
                try refused("access(2)", EACCES, access("theirs", R_OK))
            }
        },
        Check("mode/group-access") {
            try make("file", "text", mode: 0o640)
            try call("chown", chown("file", 1, 2000))
            try asUser(1000, 2000) {
                try expect("the file", try contents("file"), "text")
                try refused("writing", EACCES, open("file", O_WRONLY))
            }
            try asUser(1000, 2001) { try refused("in another group", EACCES, open("file", O_RDONLY)) }
        },
        Check("mode/sticky-directory") {
            try makeDirectory("sticky")
            try call("chmod", chmod("sticky", 0o1777))
            try make("sticky/theirs")
            try makeDirectory("sticky/their-directory")
            try asUser(1000) {
                try refused("removing what others own", [EPERM, EACCES], unlink("sticky/theirs"))
                try refused("removing their directory", [EPERM, EACCES], rmdir("sticky/their-directory"))
                try make("sticky/own")
                try expect("the owner", try status("sticky/own").st_uid, 1000)
                try call("removing an own file", unlink("sticky/own"))
            }
        },
        Check("mode/group-directory") {
            try makeDirectory("shared")
            try call("chown", chown("shared", 0, 2000))
            try call("chmod", chmod("shared", 0o2777))
            try asUser(1000) {
                try make("shared/file")
                try makeDirectory("shared/directory")
                try expect("the file's group", try status("shared/file").st_gid, 2000)
                try expect("the directory's group", try status("shared/directory").st_gid, 2000)
                try expect("the file's mode", try status("shared/file").permissions, 0o644)
                try expect("the directory's mode", try status("shared/directory").permissions, 0o2755)
                try call("symlink", symlink("x", "shared/link"))
                try expect("the link's group", try status("shared/link").st_gid, 2000)
            }
        },
        Check("mode/lists") {
            // An access control list as the attribute holds it (acl(5)): the owner may read and write, user 1000 may
            // read, nobody else may do anything.
            let entries: [(UInt16, UInt16, UInt32)] = [
                (1, 6, .max), (2, 4, 1000), (4, 0, .max), (16, 4, .max), (32, 0, .max),
            ]
            var list: [UInt8] = [2, 0, 0, 0]
            for (tag, permissions, id) in entries {
                for value in [tag, permissions] { list += [UInt8(value & 255), UInt8(value >> 8)] }
                for shift in stride(from: 0, to: 32, by: 8) { list.append(UInt8(id >> UInt32(shift) & 255)) }
            }
            try make("file", "text", mode: 0o600)
            try call("setting a list", fs_set_attribute("file", "system.posix_acl_access", list, list.count, 0))
            try expect("the mode", try status("file").permissions, 0o640)
            try asUser(1000) {
                try expect("the file", try contents("file"), "text")
                try refused("writing", EACCES, open("file", O_WRONLY))
            }
            try asUser(1001) { try refused("opening", EACCES, open("file", O_RDONLY)) }
            try makeDirectory("directory")
            try call("a default", fs_set_attribute("directory", "system.posix_acl_default", list, list.count, 0))
            try make("directory/file", "text", mode: 0o666)
            try expect("the mode", try status("directory/file").permissions, 0o640)
            try asUser(1000) { try expect("the file", try contents("directory/file"), "text") }
        },
    ]
}
