// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Files and directories that are removed while they are in use.
enum RemovalChecks {
    static let all = [
        Check("unlink/refused") {
            try makeDirectory("directory")
            try make("file")
            try refused("what is missing", ENOENT, unlink("missing"))
            try refused("a directory", [EISDIR, EPERM], unlink("directory"))
            try refused("a file with a slash after it", ENOTDIR, unlink("file/"))
            try refused("a path through a file", ENOTDIR, unlink("file/x"))
        },
        Check("unlink/read-and-write") {
            let file = try removed()
            try file.write(" more", at: 4)
            try expect("the file", try file.text(), "text more")
            try expect("the directory is empty", try names(".").isEmpty)
        },
        Check("unlink/status") {
            let file = try removed()
            try expect("the links", try file.status().st_nlink, 0)
            try expect("the size", try file.status().st_size, 4)
        },
        Check("unlink/truncate") {
            let file = try removed()
            try call("ftruncate", ftruncate(file.descriptor, 2))
            try expect("the size", try file.status().st_size, 2)
            try expect("the file", try file.text(), "te")
            try call("ftruncate", ftruncate(file.descriptor, 4))
            try expect("the file", try file.bytes(), [116, 101, 0, 0])
        },
        Check("unlink/mode-and-owner") {
            let file = try removed()
            try call("fchmod", fchmod(file.descriptor, 0o600))
            try call("fchown", fchown(file.descriptor, 12, 34))
            let status = try file.status()
            try expect("the mode", status.permissions, 0o600)
            try expect("the owner", [status.st_uid, status.st_gid], [12, 34])
        },
        Check("unlink/times") {
            let file = try removed()
            let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_100_000_000, tv_nsec: 0)]
            try call("futimens", futimens(file.descriptor, times))
            try expect("the time", try file.status().st_mtim.tv_sec, 1_100_000_000)
        },
        Check("unlink/open-again") {
            let file = try removed()
            try expect("what is opened anew", try contents("/proc/self/fd/\(file.descriptor)"), "text")
        },
        Check("unlink/map") {
            let file = try removed()
            let memory = try file.map(4096)
            try expect("a byte", memory.load(as: UInt8.self), UInt8(ascii: "t"))
            memory.storeBytes(of: UInt8(ascii: "T"), as: UInt8.self)
            try call("msync", msync(memory, 4096, MS_SYNC))
            try expect("the file", try file.text(), "Text")
            munmap(memory, 4096)
        },
        Check("unlink/synchronize") {
            let file = try removed()
            try file.write("more")
            try call("fsync", fsync(file.descriptor))
        },
        Check("unlink/attributes") {
            let file = try removed()
            try call("fsetxattr", fs_set_descriptor_attribute(file.descriptor, "user.color", "red", 3))
        },
        Check("unlink/lock") {
            let file = try removed()
            try call("a record lock", fs_lock(file.descriptor, F_WRLCK, 0, 1))
            try call("flock", fs_flock(file.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
        },
        Check("unlink/name-used-again") {
            let file = try removed()
            try make("file", "other")
            try expect("the removed file", try file.text(), "text")
            try expect("the new file", try contents("file"), "other")
            try expect("two files have two numbers", try file.status().st_ino != status("file").st_ino)
            try call("ftruncate", ftruncate(file.descriptor, 0))
            try expect("the new file", try contents("file"), "other")
        },
        Check("unlink/renamed-over") {
            let file = try File("file")
            try file.write("old")
            try make("new", "new")
            try call("rename", rename("new", "file"))
            try expect("the replaced file", try file.text(), "old")
            try expect("the links", try file.status().st_nlink, 0)
            try call("ftruncate", ftruncate(file.descriptor, 1))
            try expect("the file in its place", try contents("file"), "new")
        },
        Check("unlink/hard-link-left") {
            let file = try File("file")
            try call("link", link("file", "other"))
            try call("unlink", unlink("file"))
            try expect("the links", try file.status().st_nlink, 1)
            try file.write("text")
            try call("fchmod", fchmod(file.descriptor, 0o600))
            try expect("the other name", try contents("other"), "text")
            try expect("the mode", try status("other").permissions, 0o600)
        },
        Check("unlink/working-directory") {
            try makeDirectory("directory")
            let directory = try File("directory", O_RDONLY | O_DIRECTORY)
            try call("rmdir", rmdir("directory"))
            try refused("making in a removed directory", ENOENT, mkdirat(directory.descriptor, "x", 0o755))
            try refused(
                "creating in a removed directory", ENOENT, openat(directory.descriptor, "x", O_CREAT | O_RDWR, 0o644))
            _ = try directory.status()
        },
    ]

    /// An open file with "text" in it that has been removed.
    private static func removed() throws -> File {
        let file = try File("file", O_CREAT | O_EXCL | O_RDWR)
        try file.write("text", at: 0)
        try call("unlink", unlink("file"))
        try refused("opening a removed file", ENOENT, open("file", O_RDONLY))
        return file
    }
}
