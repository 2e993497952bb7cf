// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// A libvirt of the test's own: the distribution's daemons, in mounts of their own, beside whatever the host runs.
final class LibvirtHost {
    private let fixture: PodFixture
    private let directory: FilePath
    private let process: HostProcess

    /// Starts the daemons and makes libvirt the backend of the fixture's pods.
    init(_ fixture: PodFixture, isolation: isolated (any Actor)? = #isolation) async throws {
        self.fixture = fixture
        directory = fixture.path("libvirt")
        try FileSystem.makeDirectory(directory)
        try FileSystem.write(Self.script.utf8, to: directory.appending("start"), mode: 0o755)
        process = try fixture.startOnNetwork(
            "exec unshare --mount --propagation=private /bin/bash \(directory.appending("start")) \(directory)")
        try fixture.configure("hypervisor", #""backend":"libvirt""#)
        let process = process
        try await eventually("a socket of libvirtd", within: .seconds(60)) {
            guard process.isRunning else { throw FixtureError("libvirtd has ended: \(process.output)\(process.error)") }
            return process.output.contains("up\n")
        }
    }

    /// What libvirt finds where it looks for its own files is this test's, but for the directory in which rkt leaves files for
    /// it. A /dev/kvm that cannot be used confuses it, and is left out.
    private static let script = """
        set -e
        place=$1
        mkdir -p /run/rkt "$place/sockets" "$place/rkt" "$place/dev"
        mount --bind /run/rkt "$place/rkt"
        for directory in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
            mkdir -p "$directory"
            mount -t tmpfs -o mode=755 tmpfs "$directory"
        done
        mkdir /run/lock /run/rkt
        mount --move "$place/rkt" /run/rkt
        mount -t tmpfs -o mode=755 tmpfs "$place/dev"
        cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$place/dev"
        if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -e /dev/kvm ]; then cp -a /dev/kvm "$place/dev"; fi
        mkdir "$place/dev/pts" "$place/dev/shm" "$place/dev/net"
        mount --bind /dev/pts "$place/dev/pts"
        ln -s pts/ptmx "$place/dev/ptmx"
        mount -t tmpfs tmpfs "$place/dev/shm"
        umount -R -l /dev || true
        mount --move "$place/dev" /dev
        cat >/etc/libvirt/libvirtd.conf <<END
        unix_sock_dir = "$place/sockets"
        auth_unix_rw = "none"
        auth_unix_ro = "none"
        log_outputs = "3:file:$place/libvirtd.log"
        END
        echo 'cgroup_controllers = []' >/etc/libvirt/qemu.conf
        virtlogd </dev/null &
        while [ ! -S /run/libvirt/virtlogd-sock ]; do kill -0 %1; sleep 0.05; done
        libvirtd </dev/null &
        echo $! >"$place/pid"
        while [ ! -S "$place/sockets/libvirt-sock" ]; do kill -0 %2; sleep 0.05; done
        echo up
        trap 'kill %1 %2' TERM
        wait || true
        wait || true

        """

    /// What makes rkt and virsh use it.
    var environment: [String: String] {
        ["LIBVIRT_DEFAULT_URI": "qemu+unix:///system?socket=\(directory.appending("sockets/libvirt-sock"))"]
    }

    /// Runs virsh and returns its output, a line each, without empty ones.
    func virsh(_ arguments: String..., isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        let outcome = try await fixture.spawn("/usr/bin/virsh", ["--quiet"] + arguments, environment: environment).end()
        guard outcome.status == 0 else {
            throw FixtureError("virsh \(arguments.joined(separator: " ")): \(outcome.error)")
        }
        return outcome.lines.filter { !$0.isEmpty }
    }

    /// The names of the domains that run.
    func domains(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        try await virsh("list", "--name")
    }

    /// Kills libvirtd and waits for its end; virtlogd stays.
    func kill(isolation: isolated (any Actor)? = #isolation) async throws {
        let text = try FileSystem.readText(directory.appending("pid"))
        let pid = try #require(Int32(text.filter { $0 != "\n" }))
        Glibc.kill(pid, SIGKILL)
        try await eventually("the end of libvirtd", within: .seconds(30)) { !HostTraces.isAlive(pid) }
    }

    /// Runs rkt to its end.
    func rkt(_ arguments: [String], isolation: isolated (any Actor)? = #isolation) async throws -> HostProcess.Outcome {
        try await fixture.rkt(arguments, environment: environment)
    }

    /// Runs a pod whose apps have been started.
    func pod(_ arguments: [String], isolation: isolated (any Actor)? = #isolation) async throws -> RunningPod {
        try await fixture.run(arguments, environment: environment)
    }

    /// The numbers of the QEMUs of a pod's domain.
    static func emulators(of uuid: String) -> [Int32] {
        ((try? FileSystem.list("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
            let arguments = try? FileSystem.readText(FilePath("/proc/\(pid)/cmdline"))
            return arguments?.contains("guest=rkt-\(uuid),") == true
        }
    }

    /// Expects that the host has nothing of a pod but its directory.
    static func expectGone(_ uuid: String, isolation: isolated (any Actor)? = #isolation) async throws {
        try await eventually("the end of QEMU", within: .seconds(30)) { emulators(of: uuid).isEmpty }
        #expect(!FileSystem.exists(FilePath("/run/rkt/libvirt/rkt-\(uuid)")))
    }
}
