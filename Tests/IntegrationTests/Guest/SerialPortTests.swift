// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Backends
import GuestProtocol
import Hypervisor
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// A guest without virtio-serial, as lkvm has it: a program that takes lkvm's switches and lets QEMU do the work stands in
/// for lkvm, which no host without hardware virtualization can run.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires("python3"), .timeLimit(.minutes(5)))
struct SerialPortTests {
    private static let app = "web"
    private static let roots = "/opt/stage2"

    private static func configuration(_ script: String) -> PodConfiguration {
        PodConfiguration(
            hostname: "pod", machineID: String(repeating: "5", count: 32),
            shares: [
                .init(
                    type: "9p", tag: "rkt.apps", mountPoint: roots,
                    options: "trans=virtio,version=9p2000.L,msize=512000,cache=loose")
            ],
            files: UnitGraph(apps: [.init(name: app)]).units.map {
                .init(path: "/run/systemd/system/\($0.name)", content: .text($0.rendered))
            },
            apps: [
                .init(
                    name: app, root: "\(roots)/\(app)/rootfs", exec: ["/bin/sh", "-c", script],
                    environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], capabilityBoundingSet: 1 << 41 - 1)
            ])
    }

    @Test func aPodRunsAndEndsOverSerialPorts() throws {
        let scratch = try ScratchDirectory()
        let layout = PodLayout(directory: scratch.path)
        let apps = scratch.appending("apps")
        for directory in [layout.statuses, layout.exitCauses, apps.appending(Self.app)] {
            try FileSystem.makeDirectories(directory)
        }
        _ = try Program.output(
            "tar", "-xpf", BuildProducts.image("busybox").string, "-C", apps.appending(Self.app).string)
        let program = scratch.appending("stand-in")
        try FileSystem.write(Self.standIn.utf8, to: program, mode: 0o755)
        // The byte that lkvm takes for a command is in what is printed, too, and there is more of it than a port holds.
        let script = "seq 1 2000; printf 'a\\001b\\n'; cat /proc/cmdline; exit 7"
        let configuration = Self.configuration(script)
        let compressed = BuildProducts.kernel.removingLastComponent().appending("bzImage")
        let hypervisor = LKVMHypervisor(
            installation: LKVMInstallation(program: program),
            accelerators: AcceleratorFacts(deviceProblem: nil, processorVirtualizes: true))
        let started = try hypervisor.start(
            MachineSpec(
                name: "rkt-serial", uuid: "6733c088-a507-4694-aabf-eda1cf9aee7c", memory: 256, processors: 1,
                kernel: .bundled(compressed), commandLine: .standard(firstProgram: "/usr/lib/rkt/rkt-guest"),
                root: .block(BuildProducts.guestRoot),
                shares: [.plan9(tag: "rkt.apps", source: apps, readOnly: false)], workingDirectory: scratch.path,
                log: scratch.appending("machine.log")))
        let machine = try #require(started as? any VirtualMachine)
        let output = scratch.appending("output"), errors = scratch.appending("errors")
        var options = Supervisor.Options()
        options.output = try FileDescriptor.open(
            output, .writeOnly, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        let complaints = try FileDescriptor.open(
            errors, .writeOnly, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        defer { for file in [options.output, complaints] { try? file.close() } }
        let supervisor = Supervisor(
            pod: layout, configuration: configuration, machine: machine,
            listener: try UnixSocket.listen(layout.agentSocket), signals: try SignalDescriptor([SIGQUIT]),
            errors: ErrorStream(complaints), options: options, origin: Clock.microseconds)
        let status = try supervisor.run()
        try supervisor.report()

        let told = try FileSystem.readText(errors)
        let console = (try? FileSystem.readText(layout.console)) ?? ""
        #expect(status == 7, "\(told)\n\(console.suffix(3000))\n\(machine.diagnostics())")
        #expect(supervisor.outcome.failure == nil)
        #expect(supervisor.outcome.unfinished == [])
        #expect(try FileSystem.readText(layout.status(Self.app)) == "7\n")
        let shown = try FileSystem.readText(output)
        for text in ["1\n", " 1000\n", " 2000\n", "rkt.agent=ttyS3", "rkt.end=restart"] {
            #expect(shown.contains(text), "\(text): \(shown.suffix(500))")
        }
        #expect(!FileSystem.exists(scratch.appending("lkvm").appending(".lkvm")))
    }

    /// lkvm's switches for QEMU, with what lkvm adds to them; the two terminals are passed on byte by byte.
    private static let standIn = #"""
        #!/usr/bin/env python3
        import os, socket, subprocess, sys, threading, tty
        if sys.argv[1] == "version":
            print("kvm tool in QEMU")
            sys.exit(0)
        def values(name):
            return [value for switch, value in zip(sys.argv, sys.argv[1:]) if switch == name]
        ports, kept = {}, [3, 4]
        for number in values("--tty"):
            master, slave = os.openpty()
            tty.setraw(slave)
            ours, theirs = socket.socketpair()
            ports[int(number)] = (master, slave, ours, theirs)
            kept.append(theirs.fileno())
            print("  Info: Assigned terminal %s to pty %s" % (number, os.ttyname(slave)), flush=True)
        def to_guest(master, ours):
            escaped = False
            while True:
                byte = os.read(master, 1)
                if byte == b"\x01" and not escaped:
                    escaped = True
                    continue
                if escaped and byte == b"x":
                    os._exit(99)
                escaped = False
                ours.sendall(byte)
        def to_host(master, ours):
            while True:
                data = ours.recv(4096)
                if not data:
                    return
                while data:
                    data = data[os.write(master, data):]
        command = [
            "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-nodefaults", "-display", "none",
            "-no-reboot", "-smp", values("--cpus")[0], "-m", values("--mem")[0], "-kernel", values("--kernel")[0],
            "-append", "noapic reboot=k panic=1 console=ttyS0 " + values("--params")[0],
            "-drive", "if=none,id=root,format=raw,readonly=on,file=" + values("--disk")[0].split(",")[0],
            "-device", "virtio-blk-pci,drive=root", "-device", "virtio-rng-pci", "-chardev", "stdio,id=port0",
            "-chardev", "null,id=port2"]
        for number, (master, slave, ours, theirs) in ports.items():
            command += ["-chardev", "socket,id=port%d,fd=%d" % (number, theirs.fileno())]
        for number in range(4):
            command += ["-device", "isa-serial,index=%d,chardev=port%d" % (number, number)]
        for number, share in enumerate(values("--9p")):
            path, tag = share.split(",")
            command += [
                "-fsdev", "local,id=s%d,path=%s,security_model=passthrough,multidevs=remap" % (number, path),
                "-device", "virtio-9p-pci,fsdev=s%d,mount_tag=%s" % (number, tag)]
        machine = subprocess.Popen(command, pass_fds=kept)
        for master, slave, ours, theirs in ports.values():
            theirs.close()
            for work in to_guest, to_host:
                threading.Thread(target=work, args=(master, ours), daemon=True).start()
        sys.exit(machine.wait())

        """#
}
