// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// flock(2) and the locks of fcntl(2).
enum LockChecks {
    static let all = [
        Check("lock/whole-file") {
            try make("file")
            let file = try File("file", O_RDWR)
            try call("locking", fs_flock(file.descriptor, FS_EXCLUSIVE))
            try inChild("another process") {
                let own = try File("file", O_RDWR)
                try refused("locking", EWOULDBLOCK, fs_flock(own.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
                try refused("sharing", EWOULDBLOCK, fs_flock(own.descriptor, FS_SHARED | FS_NOWAIT))
            }
            try call("sharing", fs_flock(file.descriptor, FS_SHARED))
            try inChild("another process") {
                let own = try File("file", O_RDWR)
                try call("sharing", fs_flock(own.descriptor, FS_SHARED | FS_NOWAIT))
                try refused("locking", EWOULDBLOCK, fs_flock(own.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
            }
            let copy = dup(file.descriptor)
            file.close()
            try inChild("another process") {
                let own = try File("file", O_RDWR)
                try refused("locking", EWOULDBLOCK, fs_flock(own.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
            }
            _ = close(copy)
            try inChild("another process") {
                try call("locking", fs_flock(File("file", O_RDWR).descriptor, FS_EXCLUSIVE | FS_NOWAIT))
            }
        },
        Check("lock/whole-file-of-reader") {
            try make("file")
            try call("chmod", chmod("file", 0o444))
            try asUser(1000) {
                try call("locking", fs_flock(File("file", O_RDONLY).descriptor, FS_EXCLUSIVE | FS_NOWAIT))
            }
            let directory = try File(".", O_RDONLY | O_DIRECTORY)
            try call("locking a directory", fs_flock(directory.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
        },
        Check("lock/record") {
            let file = try File("file")
            try call("locking", fs_lock(file.descriptor, F_WRLCK, 10, 10))
            let holder = getpid()
            try inChild("another process") {
                let own = try File("file", O_RDWR)
                try refused("locking", [EAGAIN, EACCES], fs_lock(own.descriptor, F_WRLCK, 15, 1))
                try refused("sharing", [EAGAIN, EACCES], fs_lock(own.descriptor, F_RDLCK, 0, 0))
                try call("before it", fs_lock(own.descriptor, F_WRLCK, 0, 10))
                try call("after it", fs_lock(own.descriptor, F_WRLCK, 20, 0))
                try expect("the holder", fs_lock_holder(own.descriptor, F_WRLCK, 12, 1), holder)
            }
            try call("opening the middle", fs_lock(file.descriptor, F_UNLCK, 13, 3))
            try inChild("another process") {
                let own = try File("file", O_RDWR)
                try call("the middle", fs_lock(own.descriptor, F_WRLCK, 13, 3))
                try refused("the rest", [EAGAIN, EACCES], fs_lock(own.descriptor, F_WRLCK, 16, 1))
            }
            try call("sharing", fs_lock(file.descriptor, F_RDLCK, 10, 10))
            try inChild("another process") {
                try call("sharing", fs_lock(File("file", O_RDWR).descriptor, F_RDLCK, 10, 10))
            }
            try refused("of a reader", EBADF, fs_lock(File("file", O_RDONLY).descriptor, F_WRLCK, 0, 1))
        },
        Check("lock/record-ends-with-any-descriptor") {
            let file = try File("file")
            try call("locking", fs_lock(file.descriptor, F_WRLCK, 0, 1))
            try File("file", O_RDONLY).close()
            try inChild("another process") {
                try call("locking", fs_lock(File("file", O_RDWR).descriptor, F_WRLCK, 0, 1))
            }
        },
        Check("lock/waiting") {
            try make("file")
            try inChild("a process that waits") {
                alarm(60)
                let file = try File("file", O_RDWR)
                for (what, wait) in [
                    ("record lock", { fs_lock_waiting(file.descriptor, F_WRLCK, 0, 1) }),
                    ("flock", { fs_flock(file.descriptor, FS_EXCLUSIVE) }),
                ] as [(String, () -> CInt)] {
                    let holder = try call("starting a holder", fs_start_holder("file", 300))
                    try refused("a \(what) at once", [EAGAIN, EACCES], fs_lock(file.descriptor, F_WRLCK, 0, 1))
                    try call("waiting for a \(what)", wait())
                    try call("a record lock at once", fs_lock(file.descriptor, F_WRLCK, 0, 1))
                    try call("unlocking", fs_lock(file.descriptor, F_UNLCK, 0, 1))
                    try call("unlocking", fs_flock(file.descriptor, FS_UNLOCK))
                    try call("the end of the holder", waitpid(holder, nil, 0))
                }
            }
        },
        Check("lock/description") {
            let first = try File("file"), second = try File("file")
            try call("locking", fs_lock_description(first.descriptor, F_WRLCK, 0, 5))
            try refused("again", [EAGAIN, EACCES], fs_lock_description(second.descriptor, F_WRLCK, 4, 1))
            try call("beside it", fs_lock_description(second.descriptor, F_WRLCK, 5, 1))
            first.close()
            try call("afterwards", fs_lock_description(second.descriptor, F_WRLCK, 0, 5))
        },
        Check("lock/kinds-are-apart") {
            let file = try File("file")
            try call("flock", fs_flock(file.descriptor, FS_EXCLUSIVE | FS_NOWAIT))
            try inChild("another process") {
                try call("a record", fs_lock(File("file", O_RDWR).descriptor, F_WRLCK, 0, 0))
            }
        },
    ]
}
