// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Backends
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

/// A directory with what a machine needs, and what the host has for real launches.
struct LaunchFixture {
    let directory: FilePath
    var spec: MachineSpec

    /// An uncompressed or compressed kernel to boot: `RKT_TEST_KERNEL`, or the one built in this tree.
    static let kernel: FilePath? = {
        if let path = ProcessImage.variable("RKT_TEST_KERNEL") { return FilePath(path) }
        let root = (0..<3).reduce(FilePath(#filePath)) { path, _ in path.removingLastComponent() }
        let built = root.appending("build/kernel/vmlinux")
        return FileSystem.exists(built) ? built : nil
    }()

    static let installation = QEMUInstallation.probe()
    static let hasEmulator = installation.emulator != nil
    static let hasVirtiofsd = installation.virtiofsd != nil && getuid() == 0
    static let canBoot = hasEmulator && kernel != nil

    /// Runs the body with a fixture whose kernel and root are files without sense, and removes everything after it.
    static func with(_ body: (LaunchFixture) throws -> Void) throws {
        var random = SystemRandomNumberGenerator()
        let directory = FilePath("/tmp/rkt-launch-\(random.next())")
        try FileSystem.makeDirectory(directory)
        defer { try? FileSystem.removeTree(directory) }
        try FileSystem.write("no kernel\n".utf8, to: directory.appending("vmlinux"))
        try FileSystem.write([UInt8](repeating: 0, count: 1 << 20), to: directory.appending("root.erofs"))
        var spec = MachineSpec.sample()
        spec.kernel = .bundled(directory.appending("vmlinux"))
        spec.root = .block(directory.appending("root.erofs"))
        spec.workingDirectory = directory
        spec.log = directory.appending("machine.log")
        spec.accelerator = .tcg
        try body(LaunchFixture(directory: directory, spec: spec))
    }

    /// Processes on this host whose arguments name the directory, zombies left out.
    func processes() throws -> [String] {
        try FileSystem.list("/proc").filter { $0.allSatisfy(\.isNumber) }.compactMap { number in
            let text = try? FileSystem.readText(FilePath("/proc/\(number)/cmdline"))
            return text.flatMap { $0.contains(directory.string) ? $0 : nil }
        }
    }

    /// Expects that no process of the machine runs and no socket of its launch is left.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) throws {
        // A server's own child ends a moment after it.
        let deadline = Clock.milliseconds + 10_000
        while try !processes().isEmpty, Clock.milliseconds < deadline { usleep(20_000) }
        #expect(try processes() == [], sourceLocation: sourceLocation)
        let files = try FileSystem.list(directory)
        #expect(files.filter { $0.hasSuffix(".sock") } == [], sourceLocation: sourceLocation)
    }
}
