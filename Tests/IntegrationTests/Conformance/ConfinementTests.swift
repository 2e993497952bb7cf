// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What stands around a pod's processes: looked at from the host, and tried from where an intruder would be.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct ConfinementTests {

    // MARK: - The hypervisor

    /// Who has taken QEMU over is a user who belongs to nothing, and finds what any user of the host finds.
    @Test(.requires(.ownKernel), .requiresQEMU, .requires("nsenter"), .requires("setpriv"))
    func whoTakesTheHypervisorOverHasTheRightsOfNobody() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let other = try await fixture.run(script: "exec sleep 100000")
            let emulator = try process(try #require(LibvirtHost.emulators(of: pod.uuid).first))
            let neighbour = try process(try #require(LibvirtHost.emulators(of: other.uuid).first))
            let user = try #require(emulator.fields("Uid").first)
            #expect(Set(emulator.fields("Uid")) == [user])
            #expect(!emulator.fields("Gid").contains("0"))
            #expect(try #require(UInt32(user)) >= 0x7000_0000)
            #expect(neighbour.fields("Uid").first != user)
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(emulator.capabilities(set) == 0, "\(set)") }
            #expect(emulator.fields("NoNewPrivs") == ["1"])
            #expect(emulator.fields("Seccomp") == ["2"])
            #expect(try emulator.namespace("mnt") != namespace("mnt"))

            let attempts = """
                try() { name=$1; shift; "$@" >/dev/null 2>&1 && echo "$name"; }
                try accounts cat /etc/shadow
                try store ls \(fixture.data)/cas
                try pod ls \(other.directory)
                try root ls /proc/\(pod.process.child.pid)/root/
                try environment cat /proc/\(pod.process.child.pid)/environ
                try peer cat /proc/\(neighbour.pid)/environ
                try neighbour kill -0 \(neighbour.pid)
                try supervisor kill -0 \(pod.process.child.pid)
                try writing touch \(fixture.scratch.path)/left
                try mounting mount -t tmpfs none \(fixture.scratch.path)
                echo end
                """
            let there = ["--target=\(emulator.pid)", "--mount"]
            let nobody = [
                "setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--inh-caps=-all", "--no-new-privs",
            ]
            let nsenter = try #require(Program.path(of: "nsenter"))
            let seen = try await fixture.spawn(nsenter, there + nobody + ["sh", "-c", attempts]).end()
            #expect(seen.lines == ["end"], "\(seen.error)")
            // The control: root can do all of it from there.
            let control = try await fixture.spawn(nsenter, there + ["sh", "-c", attempts]).end()
            let possible = [
                "accounts", "store", "pod", "root", "environment", "peer", "neighbour", "supervisor", "writing",
                "mounting", "end",
            ]
            #expect(control.lines == possible, "\(control.error)")
        }
    }

    /// What it needs is opened for it, and is of its own pod.
    @Test(.requires(.emulatorOfRkt), .requiresQEMU) func theHypervisorHoldsNothingOfOthers() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let emulator = try process(try #require(LibvirtHost.emulators(of: pod.uuid).first))
            let descriptors = try emulator.descriptors()
            #expect(descriptors.contains { $0.leadsTo.hasSuffix("/machine.log") })
            let harmless = [
                "socket:", "anon_inode:", "pipe:", "/memfd:", "/dev/null", "/dev/kvm", "/dev/urandom",
                "\(pod.directory)/",
            ]
            for descriptor in descriptors where descriptor.leadsTo != pod.directory.string {
                #expect(harmless.contains { descriptor.leadsTo.hasPrefix($0) }, "\(descriptor.leadsTo)")
            }
        }
    }

    // MARK: - The server of its files

    @Test(.requires(.ownKernel), .requiresQEMU) func theServerOfFilesCannotLeaveItsShare() async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("hypervisor", #""volumes":"virtiofs""#)
            let host = fixture.path("host")
            try FileSystem.makeDirectory(host)
            try FileSystem.write("x".utf8, to: host.appending("only"))
            let pod = try await fixture.run(
                ["--volume=v,kind=host,source=\(host)"]
                    + PodFixture.busybox("exec sleep 100000", ["--mount=volume=v,target=/v"]))
            let servers = try HostTraces.descendants(of: pod.process.child.pid).filter { $0.name == "virtiofsd" }
                .map { try process($0.pid) }
            var roots: Set<[String]> = []
            for server in servers {
                for kind in ["mnt", "net"] { #expect(try server.namespace(kind) != namespace(kind), "\(kind)") }
                // Those of a file server: chown, dac_override, dac_read_search, fowner, fsetid, setgid, setuid, mknod,
                // setfcap.
                let capabilities = try #require(server.capabilities("CapEff"))
                #expect(capabilities & ~0x8800_00df == 0)
                // The one that waits for the other has none. The other cannot see the host's processes.
                if capabilities != 0 {
                    #expect(server.fields("Seccomp") == ["2"])
                    #expect(try server.namespace("pid") != namespace("pid"))
                }
                roots.insert(try FileSystem.list(server.directory.appending("root")).sorted())
                // A directory that was opened before the root was changed is a way out.
                for descriptor in try server.descriptors() {
                    #expect(
                        !FileSystem.exists(Self.above(descriptor.path, fixture.data)),
                        "\(descriptor.path) is \(descriptor.leadsTo)")
                }
            }
            #expect(roots == [["busybox"], ["only"]])
            #expect(FileSystem.exists(Self.above("/proc/self/cwd", fixture.data)), "the control")
        }
    }

    /// A path of the host by way of a directory, from which it goes up as far as it can.
    private static func above(_ directory: FilePath, _ path: FilePath) -> FilePath {
        FilePath("\(directory)/" + String(repeating: "../", count: 40) + path.string.dropFirst())
    }

    // MARK: - Root in a guest

    @Test(.requires(.ownKernel), .requiresQEMU, arguments: VolumeTransport.allCases)
    func rootOfAGuestSeesOfTheHostItsVolumeOnly(over transport: VolumeTransport) async throws {
        try await PodFixture.with { fixture in
            try transport.configure(fixture)
            let host = fixture.path("host"), secret = fixture.path("secret")
            try FileSystem.makeDirectory(host)
            try FileSystem.write("given\n".utf8, to: host.appending("open"))
            try FileSystem.write("secret\n".utf8, to: secret)
            try FileSystem.makeSymbolicLink(to: secret.string, at: host.appending("absolute"))
            try FileSystem.makeSymbolicLink(to: "../secret", at: host.appending("relative"))
            try await fixture.require("/bin/mknod", [host.appending("device").string, "c", "1", "5"])
            let script = """
                cat /v/open
                ln -s \(secret) /v/own; ln -s ../secret /v/up; mkdir /v/below; ln -s ../../secret /v/below/up
                mknod /v/zero c 1 5
                for path in /v/absolute /v/relative /v/own /v/up /v/below/up /v/../secret /v/below/../../secret \(secret) \
                    /proc/1/root\(secret) /v/device /v/zero; do
                    head -c 10 $path >/tmp/read && echo $path
                done
                echo end
                """
            let run = try await fixture.rkt(
                ["run", "--volume=v,kind=host,source=\(host)"]
                    + PodFixture.busybox("{ \(script); } 2>/dev/null", ["--mount=volume=v,target=/v"]))
            #expect(run.texts() == ["given", "end"], "\(run.error)")
            #expect(try FileSystem.readSymbolicLink(host.appending("own")) == secret.string)
            #expect(try FileSystem.readText(secret) == "secret\n")
        }
    }

    // MARK: - Containers

    @Test func aContainersAppIsInNamespacesOfItsOwn() async throws {
        try await PodFixture.with { fixture in
            fixture.stage1 = BuildProducts.containerStage1
            let pod = try await fixture.run(script: "exec sleep 100000")
            let found = HostTraces.descendants(of: pod.process.child.pid).first { $0.name == "sleep" }
            let app = try process(try #require(found).pid)
            for kind in ["pid", "mnt", "ipc", "uts", "cgroup", "net"] {
                #expect(try app.namespace(kind) != namespace(kind), "\(kind)")
            }
            let usual = IdentityTests.mask(IdentityTests.usualCapabilities)
            for set in ["CapEff", "CapPrm", "CapBnd"] { #expect(app.capabilities(set) == usual, "\(set)") }
            #expect(app.capabilities("CapInh") == 0 && app.capabilities("CapAmb") == 0)
            #expect(app.fields("Seccomp") == ["2"])
            #expect(try await pod.shell("cat /proc/1/comm") == "systemd")
            // Descriptors of the host's directories lead nowhere: there are none.
            for descriptor in try app.descriptors() {
                #expect(!FileSystem.exists(Self.above(descriptor.path, fixture.data)), "\(descriptor.leadsTo)")
            }
        }
    }

    /// Root in a container, with and without rkt's filter of system calls, tries the usual ways out.
    @Test func rootOfAContainerStaysInside() async throws {
        try await PodFixture.with { fixture in
            fixture.stage1 = BuildProducts.containerStage1
            // What is written is what is there already.
            let script = """
                try() { name=$1; shift; ("$@") >/dev/null 2>&1 && echo "$name"; }
                again() { value=$(cat "$1") && echo "$value" >"$1"; }
                for device in b:7:0 b:8:0 b:253:0 b:254:0 b:259:0 c:1:1 c:1:11 c:10:237; do
                    mknod /tmp/$device $(echo $device | tr : ' ')
                    try $device head -c 1 /tmp/$device
                done
                for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /sys/kernel/uevent_helper \
                    $(find /sys/fs/cgroup -name release_agent); do
                    try $file again $file
                done
                try sysrq sh -c 'echo h >/proc/sysrq-trigger'
                try kcore head -c 1 /proc/kcore
                try messages head -c 1 /dev/kmsg
                try module insmod /bin/busybox
                try init ls /proc/1/root/
                try namespace nsenter -t 1 -m true
                try group mkdir /sys/fs/cgroup/left
                try data ls \(fixture.data)
                try above ls /../../../..\(fixture.data)
                try volume umount /proc/sys
                try remount mount -o remount,rw /proc/sys
                try mount mount -t tmpfs none /tmp
                echo end
                """
            func run(_ flags: [String]) async throws -> HostProcess.Outcome {
                try await fixture.rkt(["run"] + PodFixture.busybox("{ \(script)\n} 2>/dev/null", flags))
            }
            let unfiltered = "--seccomp=mode=retain,@appc.io/all"
            // The shell says of a program which of its calls the filter has ended.
            let usual = try await run([])
            #expect(usual.texts().filter { $0 != "Bad system call" } == ["end"], "\(usual.error)")
            let bare = try await run([unfiltered])
            #expect(bare.texts() == ["end"], "\(bare.error)")
            // The control: what an app is allowed when it asks, the script does.
            let control = try await run([unfiltered, "--caps-retain=CAP_SYS_ADMIN"])
            #expect(control.texts().contains("mount"), "\(control.error)")
        }
    }

    // MARK: - Looking

    /// A process as proc(5) shows it.
    private struct Seen {
        let pid: Int32
        let lines: [Substring]
        var directory: FilePath { FilePath("/proc/\(pid)") }

        func fields(_ name: String) -> [Substring] {
            lines.first { $0.hasPrefix(name + ":") }?.split(separator: "\t").dropFirst().map { $0 } ?? []
        }

        func capabilities(_ set: String) -> UInt64? { fields(set).first.flatMap { UInt64($0, radix: 16) } }

        func namespace(_ kind: String) throws -> String {
            try FileSystem.readSymbolicLink(FilePath("/proc/\(pid)/ns/\(kind)"))
        }

        /// What it has open. Some may be closed while they are read.
        func descriptors() throws -> [(path: FilePath, leadsTo: String)] {
            let directory = directory.appending("fd")
            return try FileSystem.list(directory).compactMap { number in
                let path = directory.appending(number)
                return (try? FileSystem.readSymbolicLink(path)).map { (path, $0) }
            }
        }
    }

    private func process(_ pid: Int32) throws -> Seen {
        Seen(pid: pid, lines: try FileSystem.readText(FilePath("/proc/\(pid)/status")).split(separator: "\n"))
    }

    /// The test's own.
    private func namespace(_ kind: String) throws -> String {
        try FileSystem.readSymbolicLink(FilePath("/proc/self/ns/\(kind)"))
    }
}
