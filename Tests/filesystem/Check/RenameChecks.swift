// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// rename(2) and renameat2(2).
enum RenameChecks {
    static let all = [
        Check("rename/file") {
            try make("old", "old")
            try call("rename", rename("old", "new"))
            try expect("the old name is gone", !exists("old"))
            try expect("the file", try contents("new"), "old")
            try make("target", "target")
            try call("rename", rename("new", "target"))
            try expect("the file", try contents("target"), "old")
            try expect("the names", try names("."), ["target"])
            try call("rename to itself", rename("target", "target"))
        },
        Check("rename/directory") {
            try makeDirectory("from")
            try make("from/file", "text")
            try makeDirectory("empty")
            try call("over an empty directory", rename("from", "empty"))
            try expect("the file", try contents("empty/file"), "text")
            try expect("the old name is gone", !exists("from"))
            try makeDirectory("parent")
            try call("into another directory", rename("empty", "parent/moved"))
            try expect("the file", try contents("parent/moved/file"), "text")
            let above = try status("parent/moved/..")
            try expect("the parent's number", above.st_ino, try status("parent").st_ino)
        },
        Check("rename/refused") {
            try make("file")
            try makeDirectory("directory")
            try makeDirectory("full")
            try make("full/file")
            try refused("what is missing", ENOENT, rename("missing", "x"))
            try refused("into what is missing", ENOENT, rename("file", "missing/x"))
            try refused("a directory over a file", ENOTDIR, rename("directory", "file"))
            try refused("a file over a directory", EISDIR, rename("file", "directory"))
            try refused("over a full directory", [ENOTEMPTY, EEXIST], rename("directory", "full"))
            try refused("a directory into itself", EINVAL, rename("full", "full/inner"))
            try refused("through a file", ENOTDIR, rename("file/x", "y"))
            try refused("to a path through a file", ENOTDIR, rename("directory", "file/x"))
            try refused("a dot", [EBUSY, EINVAL], rename(".", "x"))
            try expect("everything is there", try names(".").sorted() == ["directory", "file", "full"])
        },
        Check("rename/hard-links") {
            try make("one", "text")
            try call("link", link("one", "two"))
            // Two names of one file: nothing is done.
            try call("rename", rename("one", "two"))
            try expect("both names are there", exists("one") && exists("two"))
            try expect("the links", try status("one").st_nlink, 2)
        },
        Check("rename/symbolic-link") {
            try make("file", "text")
            try call("symlink", symlink("file", "link"))
            try call("rename", rename("link", "moved"))
            try expect("the type", try status("moved").type, S_IFLNK)
            try make("other", "other")
            try call("rename over a link", rename("other", "moved"))
            try expect("the type", try status("moved").type, S_IFREG)
            try expect("the link's target", try contents("file"), "text")
        },
        Check("rename/open-file") {
            let file = try File("file")
            try makeDirectory("directory")
            try call("rename", rename("file", "directory/moved"))
            try file.write("text")
            try call("ftruncate", ftruncate(file.descriptor, 3))
            try call("fchmod", fchmod(file.descriptor, 0o600))
            try expect("the file", try contents("directory/moved"), "tex")
            try expect("the mode", try status("directory/moved").permissions, 0o600)
            try call("rename of the directory", rename("directory", "elsewhere"))
            try file.write("t", at: 3)
            try call("fchmod", fchmod(file.descriptor, 0o640))
            try expect("the file", try contents("elsewhere/moved"), "text")
        },
        Check("rename/working-directory") {
            try makeDirectory("directory")
            try call("chdir", chdir("directory"))
            try call("rename", rename("../directory", "../moved"))
            try make("file", "text")
            try expect("the file", try contents("../moved/file"), "text")
            let path = getcwd(nil, 0)
            defer { free(path) }
            try expect("getcwd ends in the new name", path.map { String(cString: $0).hasSuffix("/moved") } == true)
        },
        Check("rename/keeps-what-exists") {
            try make("file", "file")
            try make("other", "other")
            try refused("RENAME_NOREPLACE", EEXIST, fs_rename("file", "other", UInt32(FS_NOREPLACE)))
            try expect("the file", try contents("other"), "other")
        },
        Check("rename/no-replace") {
            try make("file", "file")
            try call("RENAME_NOREPLACE", fs_rename("file", "new", UInt32(FS_NOREPLACE)))
            try expect("the file", try contents("new"), "file")
            try expect("the old name is gone", !exists("file"))
        },
        Check("rename/exchange") {
            try make("file", "text")
            try makeDirectory("directory")
            try make("directory/inner")
            try call("RENAME_EXCHANGE", fs_rename("file", "directory", UInt32(FS_EXCHANGE)))
            try expect("the file", try contents("directory"), "text")
            try expect("the directory", try names("file"), ["inner"])
            try refused("with what is missing", ENOENT, fs_rename("file", "missing", UInt32(FS_EXCHANGE)))
        },
        Check("rename/parent-times") {
            let old = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            for directory in ["from", "to"] { try makeDirectory(directory) }
            try make("from/file")
            for directory in ["from", "to"] { try call("utimensat", utimensat(AT_FDCWD, directory, old, 0)) }
            try call("rename", rename("from/file", "to/file"))
            for directory in ["from", "to"] {
                try expect("the time of \(directory) has changed", try status(directory).st_mtim.tv_sec > 1_100_000_000)
            }
        },
        Check("rename/sticky-directory") {
            try makeDirectory("sticky")
            try call("chmod", chmod("sticky", 0o1777))
            try make("sticky/theirs")
            try asUser(1000) {
                try refused("a file of others", [EPERM, EACCES], rename("sticky/theirs", "sticky/mine"))
                try make("sticky/own")
                try refused("over a file of others", [EPERM, EACCES], rename("sticky/own", "sticky/theirs"))
                try call("an own file", rename("sticky/own", "sticky/new"))
            }
        },
    ]
}
