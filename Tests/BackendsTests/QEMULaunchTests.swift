// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Launches that fail say why and leave nothing.
struct QEMULaunchTests {
    private func launch(_ spec: MachineSpec, emulator: FilePath?, virtiofsd: FilePath? = nil) throws -> any Machine {
        let installation = QEMUInstallation(emulator: emulator, virtiofsd: virtiofsd)
        return try QEMUHypervisor(installation: installation, accelerators: .none).start(spec)
    }

    @Test func `an emulator that ends at once is an error with its status and last words`() throws {
        try LaunchFixture.with { fixture in
            let program = fixture.directory.appending("emulator")
            let script = "#!/bin/sh\nexec >&2\necho first\nprintf 'bad\\033option\\n'\nexit 3\n"
            try FileSystem.write(script.utf8, to: program, mode: 0o755)
            try FileSystem.write("of an earlier run\n".utf8, to: fixture.spec.log)
            let error = #expect(throws: RuntimeError.self) { try launch(fixture.spec, emulator: program) }
            #expect(
                error?.description == "qemu ended with exit status 3 before the guest was started: first; bad?option")
            #expect(try FileSystem.readText(fixture.spec.log).hasPrefix("of an earlier run\n"))
        }
    }

    @Test func `an emulator that cannot be executed is named`() throws {
        try LaunchFixture.with { fixture in
            let error = #expect(throws: RuntimeError.self) { try launch(fixture.spec, emulator: "/nonexistent/qemu") }
            #expect(error?.description.contains("/nonexistent/qemu") == true)
        }
    }

    @Test(.enabled(if: !SELinuxHost.isEnabled, "a kernel that takes no contexts"))
    func `an emulator that cannot have its context is not started`() throws {
        try LaunchFixture.with { fixture in
            let (program, trace) = (fixture.directory.appending("emulator"), fixture.directory.appending("trace"))
            try FileSystem.write("#!/bin/sh\ntouch '\(trace)'\n".utf8, to: program, mode: 0o755)
            var spec = fixture.spec
            let context = "system_u:system_r:svirt_t:s0:c3,c700"
            spec.labels = try PodLabels(
                parsing: "categories=c3,c700\nprocess=\(context)\nemulated=\(context)\nfile=\(context)\n")
            let error = #expect(throws: RuntimeError.self) { try launch(spec, emulator: program) }
            for word in [context, "/proc/thread-self/attr/", "\"off\""] {
                #expect(error?.message.contains(word) == true, "\(word): \(String(describing: error))")
            }
            #expect(!FileSystem.exists(trace))
        }
    }

    @Test(.enabled(if: LaunchFixture.hasEmulator, "needs qemu-system-x86_64"))
    func `a kernel that is none is reported in the emulator's words`() throws {
        try LaunchFixture.with { fixture in
            let error = #expect(throws: RuntimeError.self) {
                try launch(fixture.spec, emulator: LaunchFixture.installation.emulator)
            }
            #expect(error?.description.contains("invalid kernel header") == true, "\(String(describing: error))")
            try fixture.expectNothingLeft()
        }
    }

    /// Anything is a kernel for this emulator: a guest that runs into nothing is enough to see the options understood.
    @Test(.requires("qemu-system-aarch64"))
    func `the emulator of ARM machines understands its plan`() throws {
        try LaunchFixture.with { fixture in
            var spec = fixture.spec
            spec.architecture = .aarch64
            spec.shares = [.plan9(tag: "data", source: fixture.directory, readOnly: true)]
            let machine = try QEMUHypervisor(installation: .probe(architecture: .aarch64), accelerators: .none)
                .start(spec)
            defer { machine.release() }
            try machine.stop(.force)
            #expect(try machine.wait() == .signalled(9))
            #expect(try FileSystem.readText(spec.log) == "")
        }
    }

    @Test(.enabled(if: LaunchFixture.hasEmulator && LaunchFixture.hasVirtiofsd, "needs QEMU, virtiofsd and root"))
    func `a failing launch ends the share servers it had started`() throws {
        try LaunchFixture.with { fixture in
            var spec = fixture.spec
            spec.shares = [.virtiofs(tag: "apps", source: fixture.directory, cache: .auto, readOnly: false)]
            #expect(throws: RuntimeError.self) {
                try launch(
                    spec, emulator: LaunchFixture.installation.emulator,
                    virtiofsd: LaunchFixture.installation.virtiofsd)
            }
            try fixture.expectNothingLeft()
        }
    }

    @Test(.enabled(if: LaunchFixture.hasEmulator, "needs qemu-system-x86_64"))
    func `a share server that fails is an error that names the share`() throws {
        try LaunchFixture.with { fixture in
            let server = fixture.directory.appending("server")
            try FileSystem.write("#!/bin/sh\necho no sandbox >&2\nexit 9\n".utf8, to: server, mode: 0o755)
            var spec = fixture.spec
            spec.kernel = .bundled(LaunchFixture.kernel ?? fixture.directory.appending("vmlinux"))
            spec.shares = [.virtiofs(tag: "apps", source: fixture.directory, cache: .auto, readOnly: false)]
            let error = #expect(throws: RuntimeError.self) {
                try launch(spec, emulator: LaunchFixture.installation.emulator, virtiofsd: server)
            }
            #expect(error?.description.contains("no sandbox") == true, "\(String(describing: error))")
            try fixture.expectNothingLeft()
        }
    }
}
