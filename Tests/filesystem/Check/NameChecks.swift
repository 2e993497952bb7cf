// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// What files can be called.
enum NameChecks {
    static let all = [
        Check("name/long") {
            let longest = String(repeating: "x", count: 255)
            try make(longest, "text")
            try expect("the file", try contents(longest), "text")
            try expect("the names", try names("."), [longest])
            try refused("a longer name", ENAMETOOLONG, open(longest + "x", O_CREAT | O_RDWR, 0o644))
            try refused("a longer directory", ENAMETOOLONG, mkdir(longest + "x", 0o755))
            try refused("renaming to a longer name", ENAMETOOLONG, rename(longest, longest + "x"))
            try call("unlink", unlink(longest))
        },
        Check("name/long-path") {
            let path = String(repeating: "./", count: 2047)
            try make(path + "x", "text")
            try refused("a longer path", ENAMETOOLONG, open(path + "xx", O_RDONLY))
            try expect("the file", try contents("x"), "text")
        },
        Check("name/bytes") {
            for name in [
                " ", "-rf", "a\nb", "a\\b", "*?[", "name.", "con", "a:b", "\u{e4}\u{6f22}\u{1f600}", "%2f", "...",
            ] {
                try make(name, name)
                try expect("the file", try contents(name), name)
                try expect("the names", try names("."), [name])
                try call("unlink", unlink(name))
            }
            // Not UTF-8; and composed and decomposed letters are different names.
            let bytes: [CChar] = [97, -1, -2, 98, 0]
            try call("creating", open(bytes, O_CREAT | O_RDWR, 0o644))
            try call("stat", access(bytes, F_OK))
            try call("unlink", unlink(bytes))
            try make("\u{e4}")
            try expect("the decomposed letter", exists("a\u{308}"), false)
        },
        Check("name/case") {
            try make("name", "lower")
            try make("Name", "upper")
            try expect("the file", try contents("name"), "lower")
            try expect("the names", try names(".").sorted(), ["Name", "name"])
        },
        Check("name/dots") {
            try makeDirectory("directory")
            try make("file", "text")
            try expect("the file", try contents("directory/.././directory/../file"), "text")
            try refused("through a file", ENOTDIR, open("file/..", O_RDONLY))
            try refused("through what is missing", ENOENT, open("missing/../file", O_RDONLY))
            try expect("slashes", try contents("directory//..///file"), "text")
        },
        Check("name/missing-is-made") {
            // What is not there is found as soon as it is.
            for number in 0..<20 {
                try refused("a file", ENOENT, open("\(number)", O_RDONLY))
                try inChild("another process") { try make("\(number)", "text") }
                try expect("the file", try contents("\(number)"), "text")
                try inChild("another process") { try call("unlink", unlink("\(number)")) }
                try refused("a removed file", ENOENT, open("\(number)", O_RDONLY))
            }
        },
    ]
}
