// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// mkdir(2), rmdir(2) and reading directories.
enum DirectoryChecks {
    static let all = [
        Check("directory/refused") {
            try make("file")
            try makeDirectory("full")
            try makeDirectory("full/inner")
            try refused("making what exists", EEXIST, mkdir("full", 0o755))
            try refused("making over a file", EEXIST, mkdir("file", 0o755))
            try refused("making in what is missing", ENOENT, mkdir("missing/x", 0o755))
            try refused("making in a file", ENOTDIR, mkdir("file/x", 0o755))
            try call("symlink", symlink("nowhere", "link"))
            try refused("making over a dangling link", EEXIST, mkdir("link", 0o755))
            try refused("removing a full one", [ENOTEMPTY, EEXIST], rmdir("full"))
            try refused("removing a file", ENOTDIR, rmdir("file"))
            try refused("removing what is missing", ENOENT, rmdir("missing"))
            try refused("removing a dot", EINVAL, rmdir("full/."))
            try refused("removing two dots", [ENOTEMPTY, EEXIST], rmdir("full/inner/.."))
            try call("making with a slash after it", mkdir("new/", 0o755))
            try call("removing with a slash after it", rmdir("new/"))
        },
        Check("directory/entries") {
            try make("file")
            try makeDirectory("directory")
            try call("symlink", symlink("x", "link"))
            guard let stream = opendir(".") else { throw Unfulfilled("opendir fails") }
            defer { closedir(stream) }
            var types: [String: UInt8] = [:]
            while let entry = readdir(stream) {
                let type = entry.pointee.d_type, number = entry.pointee.d_ino
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                types[name] = type
                if name != ".." { try expect("the number of \(name)", number, try status(name).st_ino) }
            }
            try expect("the names", types.keys.sorted(), [".", "..", "directory", "file", "link"])
            // 0 says that the file system does not tell; then programs ask for each entry.
            for (name, type) in [("file", 8), ("directory", 4), ("link", 10)] as [(String, UInt8)] {
                try expect("the type of \(name)", types[name], type)
            }
        },
        Check("directory/many-entries") {
            try fill(1000)
            let found = try names("many")
            try expect("the entries", found.count, 1000)
            try expect("the different entries", Set(found).count, 1000)
        },
        Check("directory/removing-while-reading") {
            try fill(300)
            guard let stream = opendir("many") else { throw Unfulfilled("opendir fails") }
            defer { closedir(stream) }
            while let name = nextName(stream) {
                if name != ".", name != ".." { try call("unlink", unlink("many/\(name)")) }
            }
            try expect("what is left", try names("many"), [])
        },
        Check("directory/adding-while-reading") {
            try fill(300)
            guard let stream = opendir("many") else { throw Unfulfilled("opendir fails") }
            defer { closedir(stream) }
            var found: [String: Int] = [:]
            while let name = nextName(stream) {
                found[name, default: 0] += 1
                if found.count <= 150 { try make("many/new-\(found.count)") }
            }
            for number in 0..<300 { try expect("how often entry \(number) is read", found["entry-\(number)"], 1) }
            try expect("no name is read twice", found.values.allSatisfy { $0 == 1 })
        },
        Check("directory/rewind") {
            try fill(5)
            guard let stream = opendir("many") else { throw Unfulfilled("opendir fails") }
            defer { closedir(stream) }
            while nextName(stream) != nil {}
            try make("many/new")
            rewinddir(stream)
            var count = 0
            while nextName(stream) != nil { count += 1 }
            try expect("the entries", count, 8)
        },
        Check("directory/seek") {
            try fill(200)
            guard let stream = opendir("many") else { throw Unfulfilled("opendir fails") }
            defer { closedir(stream) }
            for _ in 0..<90 { _ = nextName(stream) }
            let place = telldir(stream)
            var rest: [String] = []
            while let name = nextName(stream) { rest.append(name) }
            seekdir(stream, place)
            var again: [String] = []
            while let name = nextName(stream) { again.append(name) }
            try expect("what follows a place is the same again", again == rest && rest.count == 112)
        },
        Check("directory/times") {
            let old = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            try makeDirectory("directory")
            for (what, change) in [
                ("creating", { try make("directory/file") }),
                ("linking", { try call("link", link("directory/file", "directory/link")) }),
                ("removing", { try call("unlink", unlink("directory/file")) }),
                ("mkdir", { try makeDirectory("directory/inner") }),
                ("rmdir", { try call("rmdir", rmdir("directory/inner")) }),
            ] as [(String, () throws -> Void)] {
                try call("utimensat", utimensat(AT_FDCWD, "directory", old, 0))
                try change()
                try expect("\(what) changes the time", try status("directory").st_mtim.tv_sec > 1_100_000_000)
            }
        },
        Check("directory/deep") {
            for _ in 0..<120 {
                try makeDirectory("0123456789")
                try call("chdir", chdir("0123456789"))
            }
            try make("file", "text")
            try expect("the file", try contents("../0123456789/file"), "text")
            try call("unlink", unlink("file"))
            for _ in 0..<120 {
                try call("chdir", chdir(".."))
                try call("rmdir", rmdir("0123456789"))
            }
        },
    ]

    private static func fill(_ count: Int) throws {
        try makeDirectory("many")
        for number in 0..<count { try make("many/entry-\(number)") }
    }
}
