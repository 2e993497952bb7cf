// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The checks, and what they have found.
struct Validator {
    private(set) var problems: [String] = []

    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    // MARK: - The apps and their event handlers

    mutating func preStart() {
        create("/prestart")
        expectMissing("/main")
        expectMissing("/poststop")
        expectEnvironment()
    }

    mutating func main() {
        expectFile("/prestart")
        create("/main")
        expectMissing("/poststop")
        expectEnvironment()
        expectVariable("AC_APP_NAME", "ace-validator-main")
        expectVariable("IN_ACE_VALIDATOR", "correct")
        let directory = getcwd(nil, 0)
        expect(
            directory.map { String(cString: $0) } == "/opt/acvalidator",
            "the working directory is \(directory.map { String(cString: $0) } ?? "?"), not /opt/acvalidator")
        free(directory)
        expectOwner()
        expectWritableMount("/db")
        expectFileSystems()
        expectDevices()
        expectLoopback()
        expectAppears("/db/sidekick")
        create("/db/main")
    }

    mutating func sidekick() {
        expectEnvironment()
        // The volumes are shared, the root file systems are not.
        expectMissing("/prestart")
        expectWritableMount("/db")
        create("/db/sidekick")
        expectAppears("/db/main")
    }

    mutating func postStop() {
        expectFile("/prestart")
        expectFile("/main")
        create("/poststop")
        expectEnvironment()
    }

    // MARK: - Files

    mutating func expect(_ holds: Bool, _ problem: @autoclosure () -> String) {
        if !holds { report(problem()) }
    }

    mutating func report(_ problem: String) { problems.append(problem) }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private mutating func expectFile(_ path: String) { expect(exists(path), "\(path) is missing") }

    private mutating func expectMissing(_ path: String) { expect(!exists(path), "\(path) is there already") }

    private mutating func create(_ path: String) {
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
        expect(file >= 0, "\(path) cannot be created: \(String(cString: strerror(errno)))")
        if file >= 0 { close(file) }
    }

    /// Another app has five seconds to make a file.
    private mutating func expectAppears(_ path: String) {
        for _ in 0..<500 where !exists(path) { usleep(10_000) }
        expect(exists(path), "\(path) did not appear within 5 s")
    }

    private func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var byte = fgetc(file)
        while byte != EOF, bytes.count < 1 << 20 {
            bytes.append(UInt8(truncatingIfNeeded: byte))
            byte = fgetc(file)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: - What apps find around them

    private mutating func expectEnvironment() {
        expectVariable("PATH", Validator.path)
        expect(getenv("AC_APP_NAME").map { strlen($0) > 0 } == true, "AC_APP_NAME is not set")
        expect(getenv("container").map { strlen($0) > 0 } == true, "container is not set")
    }

    private mutating func expectVariable(_ name: String, _ value: String) {
        let found = getenv(name).map { String(cString: $0) }
        expect(found == value, "\(name) is \(found ?? "not set"), not \(value)")
    }

    private mutating func expectOwner() {
        expect(getuid() == 0 && geteuid() == 0, "the user is \(getuid()), not 0")
        expect(getgid() == 0 && getegid() == 0, "the group is \(getgid()), not 0")
        var status = stat()
        expect(
            stat("/db", &status) == 0 && status.st_uid == 0 && status.st_gid == 0, "/db belongs to \(status.st_uid)")
        // Nothing of the image was there.
        expect(status.st_mode & 0o7777 == 0o755, "/db has the mode \(String(status.st_mode & 0o7777, radix: 8))")
    }

    /// Options and type of what is mounted at a path last. proc(5), mountinfo: the fifth field is the mount point, the
    /// sixth has the options of the mount, and the type stands behind the dash.
    private func mount(at path: String) -> (options: [Substring], type: Substring)? {
        let mounts = text("/proc/self/mountinfo").split(separator: "\n").map { $0.split(separator: " ") }
        guard let mount = mounts.last(where: { $0.count > 5 && $0[4] == path }) else { return nil }
        return (mount[5].split(separator: ","), mount.drop { $0 != "-" }.dropFirst().first ?? "")
    }

    private mutating func expectWritableMount(_ path: String) {
        expect(mount(at: path)?.options.contains("rw") == true, "\(path) is no mount that can be written to")
    }

    private mutating func expectFileSystems() {
        for (path, type) in [("/proc", "proc"), ("/sys", "sysfs"), ("/dev/pts", "devpts"), ("/dev/shm", "tmpfs")] {
            let found = mount(at: path)?.type
            expect(found.map(String.init) == type, "\(path) is \(found ?? "no mount"), not \(type)")
        }
    }

    private mutating func expectDevices() {
        let devices: [(path: String, major: UInt, minor: UInt)] = [
            ("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8),
            ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0),
        ]
        for device in devices {
            var status = stat()
            let isRight =
                stat(device.path, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
                && status.st_rdev == device.major << 8 | device.minor
            expect(isRight, "\(device.path) is not the character device \(device.major):\(device.minor)")
        }
        var status = stat()
        expect(
            stat("/dev/console", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR,
            "/dev/console is no character device")
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        expect(terminal >= 0, "/dev/ptmx opens no terminal")
        if terminal >= 0 { close(terminal) }
    }

    private mutating func expectLoopback() {
        let names = text("/proc/net/dev").split(separator: "\n").compactMap { $0.split(separator: ":").first }
        expect(names.contains { $0.split(separator: " ").last == "lo" }, "there is no loopback interface")
        // Packets reach it: it has an address and is up.
        let receiver = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(receiver) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let received = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(receiver, address, size) == 0, getsockname(receiver, address, &size) == 0 else { return -1 }
                guard sendto(receiver, "x", 1, 0, address, size) == 1 else { return -1 }
                var byte: UInt8 = 0
                return recv(receiver, &byte, 1, Int32(MSG_DONTWAIT))
            }
        }
        expect(received == 1, "127.0.0.1 cannot be reached")
    }
}
