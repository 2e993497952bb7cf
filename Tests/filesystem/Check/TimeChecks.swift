// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Times of files.
enum TimeChecks {
    private static let old = [
        timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0),
    ]

    static let all = [
        Check("time/seconds") {
            try make("file")
            let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_100_000_000, tv_nsec: 0)]
            try call("utimensat", utimensat(AT_FDCWD, "file", times, 0))
            let status = try status("file")
            try expect("the times", [status.st_atim.tv_sec, status.st_mtim.tv_sec], [1_000_000_000, 1_100_000_000])
        },
        Check("time/nanoseconds") {
            let file = try File("file")
            let times = [
                timespec(tv_sec: 1_000_000_000, tv_nsec: 123_456_789),
                timespec(tv_sec: 1_100_000_000, tv_nsec: 987_654_321),
            ]
            try call("futimens", futimens(file.descriptor, times))
            let status = try status("file")
            try expect("the times", [status.st_atim.tv_nsec, status.st_mtim.tv_nsec], [123_456_789, 987_654_321])
        },
        Check("time/of-writing-has-nanoseconds") {
            // One in ten thousand files has a time that looks whole.
            try make("file")
            try make("other")
            let found = [try status("file").st_mtim.tv_nsec, try status("other").st_mtim.tv_nsec]
            try expect("times have a fraction", found.contains { $0 % 1_000_000 != 0 })
        },
        Check("time/far") {
            try make("file")
            for second in [-86_400, 4_102_444_800] {
                let times = [timespec(tv_sec: second, tv_nsec: 0), timespec(tv_sec: second, tv_nsec: 0)]
                try call("utimensat", utimensat(AT_FDCWD, "file", times, 0))
                try expect("the time", try status("file").st_mtim.tv_sec, second)
            }
        },
        Check("time/now-and-omit") {
            try make("file")
            try call("utimensat", utimensat(AT_FDCWD, "file", old, 0))
            let now = (1 << 30) - 1, omit = (1 << 30) - 2
            let times = [timespec(tv_sec: 0, tv_nsec: omit), timespec(tv_sec: 0, tv_nsec: now)]
            try call("utimensat", utimensat(AT_FDCWD, "file", times, 0))
            let status = try status("file")
            try expect("the time of access", status.st_atim.tv_sec, 1_000_000_000)
            try expect("the time of writing is now", abs(status.st_mtim.tv_sec - Glibc.time(nil)) < 60)
        },
        Check("time/refused") {
            try make("file", mode: 0o644)
            try asUser(1000) {
                try refused("times of others' files", EPERM, utimensat(AT_FDCWD, "file", old, 0))
                try refused("now for others' files", EACCES, utimensat(AT_FDCWD, "file", nil, 0))
            }
            try call("chmod", chmod("file", 0o666))
            try asUser(1000) { try call("now for a file to write to", utimensat(AT_FDCWD, "file", nil, 0)) }
        },
        Check("time/symbolic-link") {
            try make("file")
            try call("symlink", symlink("file", "link"))
            try call("utimensat", utimensat(AT_FDCWD, "link", old, AT_SYMLINK_NOFOLLOW))
            try expect("the link's time", try status("link").st_mtim.tv_sec, 1_000_000_000)
            try expect("the file's time is its own", try status("file").st_mtim.tv_sec > 1_100_000_000)
        },
        Check("time/changes") {
            try make("file", "text")
            try call("utimensat", utimensat(AT_FDCWD, "file", old, 0))
            try call("chmod", chmod("file", 0o600))
            try expect("the time after chmod", try status("file").st_mtim.tv_sec, 1_000_000_000)
            try expect("chmod changes the other time", try status("file").st_ctim.tv_sec > 1_100_000_000)
            let file = try File("file", O_WRONLY)
            try expect("the time after opening", try status("file").st_mtim.tv_sec, 1_000_000_000)
            try file.write("text")
            try expect("writing changes the time", try status("file").st_mtim.tv_sec > 1_100_000_000)
            try expect("which is now", abs(try file.status().st_mtim.tv_sec - Glibc.time(nil)) < 60)
        },
        Check("time/stays-after-writing") {
            // As tar and cp -p do it: a file is written, gets its time, and is closed.
            let file = try File("file")
            try file.write("text")
            try call("futimens", futimens(file.descriptor, old))
            file.close()
            try expect("the time", try status("file").st_mtim.tv_sec, 1_000_000_000)
        },
    ]
}
