// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CFilesystemCalls

/// Fifos, sockets and device nodes.
enum SpecialFileChecks {
    static let all = [
        Check("special/fifo") {
            try call("mkfifo", mkfifo("fifo", 0o640))
            try expect("the type", try status("fifo").type, S_IFIFO)
            try expect("the mode", try status("fifo").permissions, 0o640)
            try refused("writing without a reader", ENXIO, open("fifo", O_WRONLY | O_NONBLOCK))
            try refused("making it again", EEXIST, mkfifo("fifo", 0o600))
            let reading = try File("fifo", O_RDONLY | O_NONBLOCK)
            try inChild("a writer") { try File("fifo", O_WRONLY).write("text") }
            var buffer = [UInt8](repeating: 0, count: 16)
            try expect("what is read", try call("read", read(reading.descriptor, &buffer, 16)), 4)
            try call("unlink", unlink("fifo"))
        },
        Check("special/socket") {
            let listening = try call("binding", fs_listen("socket"))
            try expect("the type", try status("socket").type, S_IFSOCK)
            try inChild("a client") { try File(descriptor: call("connecting", fs_connect("socket")), "").write("text") }
            let accepted = try call("accepting", accept(listening, nil, nil))
            var buffer = [UInt8](repeating: 0, count: 16)
            try expect("what is read", try call("read", read(accepted, &buffer, 16)), 4)
            try refused("binding again", EADDRINUSE, fs_listen("socket"))
            _ = close(listening)
            try refused("connecting to nobody", ECONNREFUSED, fs_connect("socket"))
            try call("unlink", unlink("socket"))
        },
        Check("special/device") {
            try call("mknod", mknod("null", S_IFCHR | 0o660, fs_device(1, 3)))
            let made = try status("null")
            try expect("the type", made.type, S_IFCHR)
            try expect("the device", made.st_rdev, fs_device(1, 3))
            try expect("the mode", made.permissions, 0o640)
            try asUser(1000) { try refused("by another user", [EPERM, EACCES], mknod("x", S_IFCHR | 0o600, 259)) }
        },
        Check("special/regular") {
            try call("mknod", mknod("file", S_IFREG | 0o640, 0))
            try expect("the type", try status("file").type, S_IFREG)
            try make("file", "text")
            try refused("making it again", EEXIST, mknod("file", S_IFREG | 0o640, 0))
        },
    ]
}
