// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A host with systemd and control groups of version 2: a virtual machine with the bundled kernel and this host's
/// programs, whose files are read-only there. What it writes is in its memory.
///
/// It boots in some fifteen seconds, runs one script as a unit, and ends.
package enum SystemdHost {
    package struct Outcome: Sendable {
        /// The script's; nil when the machine has ended before it.
        package let status: Int32?
        package let output: String
        /// What systemd and the kernel said, to be shown when something has failed.
        package let console: String

        package var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Where the machine sees this host's files.
    private static let files: FilePath = "/run/host"

    /// Runs a shell script in a machine of its own, as root, in the unit `test.service`. It ends with the first command
    /// that fails.
    ///
    /// In the script, `rkt` and `images` are variables; `stage1` is the image for containers, `machines` that for virtual
    /// machines, `fly` that for apps without either, and `units` the directory of what `make install` installs for systemd.
    ///
    /// - Parameters:
    ///   - memory: in MiB.
    ///   - limit: for booting, too.
    package static func run(
        _ script: String, in fixture: PodFixture, memory: Int = 2048, within limit: Duration = .seconds(400),
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Outcome {
        func visible(_ path: FilePath) -> FilePath { files.pushing(path.removingRoot()) }
        let variables = [
            "rkt": BuildProducts.rkt, "images": BuildProducts.directory.appending("images"),
            "stage1": BuildProducts.containerStage1, "machines": BuildProducts.stage1, "fly": BuildProducts.flyStage1,
            "units": BuildProducts.units,
        ]
        let text = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\(visible($0.value))\n" }.joined() + script
        let path = fixture.path("script")
        try FileSystem.write(text.utf8, to: path)
        let output = fixture.path("machine-output"), status = fixture.path("machine-status")
        let console = fixture.path("machine-console")
        let command = [
            "console=ttyS0", "quiet", "panic=-1", "root=host", "rootfstype=9p",
            "rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=524288", "ro",
            "init=\(BuildProducts.systemdHost)", "RKT_SCRIPT=\(path)",
        ]
        let machine = try fixture.spawn(
            Program.path(of: "qemu-system-x86_64") ?? "/usr/bin/qemu-system-x86_64",
            [
                "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "\(memory)",
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", BuildProducts.kernel.string, "-append", command.joined(separator: " "),
                "-serial", "file:\(console)", "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                "-chardev", "file,id=output,path=\(output)", "-device", "virtserialport,chardev=output,name=output",
                "-chardev", "file,id=status,path=\(status)", "-device", "virtserialport,chardev=status,name=status",
                "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
                "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            ])
        let end = try await machine.end(within: limit)
        guard end.status == 0 else { throw FixtureError("QEMU has failed: \(end.error)") }
        func read(_ path: FilePath) -> String { (try? FileSystem.readText(path, limit: 16 << 20)) ?? "" }
        return Outcome(
            status: Int32(read(status).filter { $0 != "\n" }), output: read(output), console: read(console))
    }
}
