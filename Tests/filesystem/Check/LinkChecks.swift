// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Hard and symbolic links.
enum LinkChecks {
    static let all = [
        Check("link/hard") {
            try make("one", "text")
            try call("link", link("one", "two"))
            let first = try status("one"), second = try status("two")
            try expect("the second number", second.st_ino, first.st_ino)
            try expect("the links", second.st_nlink, 2)
            try make("one", "new")
            try expect("the file", try contents("two"), "new")
            try call("unlink", unlink("one"))
            try expect("the links", try status("two").st_nlink, 1)
        },
        Check("link/refused") {
            try make("file")
            try make("other")
            try makeDirectory("directory")
            try refused("what is missing", ENOENT, link("missing", "x"))
            try refused("over what exists", EEXIST, link("file", "other"))
            try refused("a directory", EPERM, link("directory", "x"))
            try refused("into what is missing", ENOENT, link("file", "missing/x"))
            try refused("to a path through a file", ENOTDIR, link("file", "other/x"))
        },
        Check("link/open-descriptor") {
            let file = try File("file")
            try file.write("text")
            let source = "/proc/self/fd/\(file.descriptor)"
            try call("linkat", linkat(AT_FDCWD, source, AT_FDCWD, "named", AT_SYMLINK_FOLLOW))
            try expect("the file", try contents("named"), "text")
        },
        Check("link/to-symbolic-link") {
            try call("symlink", symlink("nowhere", "link"))
            try call("link", linkat(AT_FDCWD, "link", AT_FDCWD, "other", 0))
            try expect("the type", try status("other").type, S_IFLNK)
            try expect("the second number", try status("other").st_ino, try status("link").st_ino)
        },
        Check("link/symbolic") {
            try makeDirectory("directory")
            try make("directory/file", "text")
            try call("symlink", symlink("directory/file", "link"))
            try expect("the target", try target("link"), "directory/file")
            try expect("the size", try status("link").st_size, 14)
            try expect("the file", try contents("link"), "text")
            try call("symlink", symlink("directory", "other"))
            try expect("the file", try contents("other/file"), "text")
            try refused("over what exists", EEXIST, symlink("x", "link"))
            try refused("to nothing", ENOENT, symlink("", "empty"))
            var byte: CChar = 0
            try refused("readlink of a file", EINVAL, readlink("directory/file", &byte, 1))
            try call("unlink", unlink("link"))
            try expect("the target stays", exists("directory/file"))
        },
        Check("link/long-target") {
            let long = String(repeating: "0123456789/", count: 372)
            try call("symlink", symlink(long, "link"))
            try expect("the target", try target("link") == long)
            let longest = String(repeating: "x", count: 4095)
            try call("symlink", symlink(longest, "longest"))
            try expect("the longest target", try target("longest") == longest)
            try refused("a longer target", ENAMETOOLONG, symlink(longest + "x", "longer"))
        },
        Check("link/loops") {
            try call("symlink", symlink("b", "a"))
            try call("symlink", symlink("a", "b"))
            try refused("a loop", ELOOP, open("a", O_RDONLY))
            try refused("a path through a loop", ELOOP, open("a/x", O_RDONLY))
            try make("0")
            for number in 1...41 { try call("symlink", symlink("\(number - 1)", "\(number)")) }
            try call("forty links", open("40", O_RDONLY))
            try refused("more", ELOOP, open("41", O_RDONLY))
        },
        Check("link/owner") {
            try make("file")
            try call("symlink", symlink("file", "link"))
            try call("lchown", lchown("link", 12, 34))
            try expect("the link's owner", try status("link").st_uid, 12)
            try expect("the file's owner", try status("file").st_uid, 0)
            try call("chown", chown("link", 56, 78))
            try expect("the link's owner", try status("link").st_uid, 12)
            try expect("the file's owner", try status("file").st_uid, 56)
        },
    ]

    private static func target(_ path: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: 5000)
        let length = try call("readlink", readlink(path, &buffer, buffer.count))
        return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
