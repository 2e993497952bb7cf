// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// open(2) and its flags.
enum OpenChecks {
    static let all = [
        Check("open/missing") {
            try refused("opening what is missing", ENOENT, open("missing", O_RDONLY))
            try refused("creating in a missing directory", ENOENT, open("missing/file", O_CREAT | O_RDWR, 0o644))
            try refused("an empty path", ENOENT, open("", O_RDONLY))
        },
        Check("open/exclusive") {
            try make("file")
            let flags = O_CREAT | O_EXCL | O_RDWR
            try refused("creating what exists", EEXIST, open("file", flags, 0o644))
            try call("symlink", symlink("nowhere", "link"))
            try refused("creating over a dangling link", EEXIST, open("link", flags, 0o644))
            try call("creating", open("other", flags, 0o644))
            try expect("a link leads to nothing", !exists("nowhere"))
            try call("creating through a dangling link", open("link", O_CREAT | O_RDWR, 0o644))
            try expect("the link's target exists", exists("nowhere"))
        },
        Check("open/kinds") {
            try make("file")
            try makeDirectory("directory")
            try refused("a file as directory", ENOTDIR, open("file", O_RDONLY | O_DIRECTORY))
            try refused("a path through a file", ENOTDIR, open("file/x", O_RDONLY))
            try refused("a file with a slash after it", ENOTDIR, open("file/", O_RDONLY))
            try refused("a directory for writing", EISDIR, open("directory", O_WRONLY))
            try refused("a directory to be truncated", EISDIR, open("directory", O_RDWR | O_TRUNC))
            try refused("creating a directory", EISDIR, open("directory", O_CREAT | O_RDONLY, 0o644))
            var byte: UInt8 = 0
            let directory = try File("directory", O_RDONLY)
            try refused("reading a directory", EISDIR, read(directory.descriptor, &byte, 1))
        },
        Check("open/no-follow") {
            try make("file")
            try call("symlink", symlink("file", "link"))
            try refused("a link that is not followed", ELOOP, open("link", O_RDONLY | O_NOFOLLOW))
            try call("opening a file", open("file", O_RDONLY | O_NOFOLLOW))
        },
        Check("open/access-mode") {
            try make("file", "text")
            var byte: UInt8 = 0
            let reading = try File("file", O_RDONLY), writing = try File("file", O_WRONLY)
            try refused("writing what is open for reading", EBADF, write(reading.descriptor, &byte, 1))
            try refused("reading what is open for writing", EBADF, read(writing.descriptor, &byte, 1))
        },
        Check("open/truncate") {
            try make("file", "text")
            let other = try File("file", O_RDONLY)
            let file = try File("file", O_WRONLY | O_TRUNC)
            try expect("the size", try file.status().st_size, 0)
            try expect("what another descriptor reads", try other.text(), "")
        },
        Check("open/append") {
            let first = try File("file", O_CREAT | O_WRONLY | O_APPEND), second = try File("file", O_WRONLY | O_APPEND)
            for (file, text) in [(first, "a"), (second, "b"), (first, "c"), (second, "d")] { try file.write(text) }
            try expect("the file", try contents("file"), "abcd")
            let third = try File("file", O_WRONLY)
            try call("O_APPEND by fcntl", fcntl(third.descriptor, F_SETFL, O_APPEND))
            try third.write("e")
            try expect("the file", try contents("file"), "abcde")
        },
        Check("open/append-by-processes") {
            try make("file")
            let children = 2, lines = 50
            try inChild("a writer of two") {
                try inChild("the other writer") { try append(lines) }
                try append(lines)
            }
            try expect("the size", try status("file").st_size, children * lines * 2)
        },
        Check("open/created-without-permission") {
            try call("chmod", chmod(".", 0o777))
            try asUser(1000) {
                let file = try File("file", O_CREAT | O_EXCL | O_RDWR, 0o000)
                try file.write("text")
                try expect("the file", try file.text(), "text")
                try refused("opening it again", EACCES, open("file", O_RDONLY))
                let other = try File("other", O_CREAT | O_EXCL | O_WRONLY, 0o444)
                try other.write("text")
                try refused("opening it for writing", EACCES, open("other", O_WRONLY))
            }
        },
        Check("open/path-only") {
            try make("file", "text")
            let file = File(descriptor: try call("O_PATH", fs_open_path("file")), "file")
            try expect("the size", try file.status().st_size, 4)
            try expect("what is opened by it", try contents("/proc/self/fd/\(file.descriptor)"), "text")
        },
        Check("open/temporary") {
            let file = File(descriptor: try call("O_TMPFILE", fs_open_temporary(".", 0o640)), "a temporary file")
            try file.write("text")
            try expect("the links", try file.status().st_nlink, 0)
            try expect("the directory is empty", try names(".").isEmpty)
            let source = "/proc/self/fd/\(file.descriptor)"
            try call("giving it a name", linkat(AT_FDCWD, source, AT_FDCWD, "named", AT_SYMLINK_FOLLOW))
            try expect("the file", try contents("named"), "text")
            try expect("the mode", try status("named").permissions, 0o640)
        },
        Check("open/synchronous") {
            let file = try File("file", O_CREAT | O_RDWR | O_SYNC)
            try file.write("text")
            try call("fsync", fsync(file.descriptor))
            try call("fdatasync", fdatasync(file.descriptor))
            let directory = try File(".", O_RDONLY | O_DIRECTORY)
            try call("fsync of a directory", fsync(directory.descriptor))
        },
    ]

    private static func append(_ lines: Int) throws {
        let file = try File("file", O_WRONLY | O_APPEND)
        for _ in 0..<lines { try file.write("x\n") }
    }
}
