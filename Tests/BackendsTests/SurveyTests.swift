// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What backends say of hosts that are made up.
struct SurveyTests {
    private static let noDevice = AcceleratorFacts(
        deviceProblem: "cannot open /dev/kvm: No such file or directory", processorVirtualizes: true)
    private static let usable = AcceleratorFacts(deviceProblem: nil, processorVirtualizes: true)

    private func program(_ scratch: ScratchDirectory, _ name: String, _ script: String) throws -> FilePath {
        let path = scratch.appending(name)
        try FileSystem.write("#!/bin/sh\n\(script)\n".utf8, to: path, mode: 0o755)
        return path
    }

    private func qemu(_ emulator: FilePath?, _ virtiofsd: FilePath?, _ facts: AcceleratorFacts) -> QEMUHypervisor {
        QEMUHypervisor(
            installation: QEMUInstallation(emulator: emulator, virtiofsd: virtiofsd), accelerators: facts)
    }

    @Test func `QEMU tells its programs with their versions, and how its machines are isolated`() throws {
        let scratch = try ScratchDirectory()
        let emulator = try program(scratch, "qemu", "[ \"$1\" = --version ] && printf 'QEMU 7.2\\nmore\\n'")
        let server = try program(scratch, "virtiofsd", "echo virtiofsd 1.0 >&2")
        let emulated = qemu(emulator, server, Self.noDevice).survey(SurveyRequest())
        #expect(emulated.problems == [])
        #expect(emulated.programs.map(\.version) == ["QEMU 7.2", "virtiofsd 1.0"])
        #expect(emulated.programs.map(\.path) == [emulator, server])
        #expect(emulated.accelerator?.accelerator == .tcg)
        #expect(emulated.accelerator?.fallbackReason?.contains("/dev/kvm") == true)
        #expect(emulated.isolation == .emulation)
        let virtualized = qemu(emulator, server, Self.usable).survey(SurveyRequest())
        #expect(virtualized.accelerator == AcceleratorChoice(.kvm))
        #expect(virtualized.isolation == .confined)
    }

    @Test func `what QEMU lacks is told with the package`() {
        let survey = qemu(nil, nil, Self.noDevice).survey(SurveyRequest(accelerator: .kvm))
        #expect(survey.programs.allSatisfy { $0.path == nil })
        let text = survey.problems.joined(separator: "\n")
        for word in ["qemu-system-x86", "virtiofsd", "/dev/kvm"] { #expect(text.contains(word), "\(text)") }
    }

    @Test(arguments: ["exit 1", "exec kill -9 $$", "yes", ":"])
    func `a program that does not tell its version cannot be used`(script: String) throws {
        let scratch = try ScratchDirectory()
        let emulator = try program(scratch, "qemu", script)
        let server = try program(scratch, "virtiofsd", "echo 1")
        let survey = qemu(emulator, server, Self.usable).survey(SurveyRequest())
        #expect(survey.problems.count == 1)
        #expect(survey.problems.first?.contains("\"\(emulator)\" does not tell its version") == true)
    }

    @Test func `a version commands no terminal and has one line`() throws {
        let scratch = try ScratchDirectory()
        let emulator = try program(scratch, "qemu", "printf '\\033[31mred\\n'")
        let version = qemu(emulator, emulator, Self.usable).survey(SurveyRequest()).programs.first?.version
        #expect(version == "\\x1b[31mred")
    }

    @Test func `lkvm is nothing without KVM`() throws {
        let scratch = try ScratchDirectory()
        let installation = LKVMInstallation(program: try program(scratch, "lkvm", "echo kvm tool 3.18.0"))
        func survey(_ facts: AcceleratorFacts, _ policy: AcceleratorPolicy = .auto) -> BackendSurvey {
            LKVMHypervisor(installation: installation, accelerators: facts).survey(SurveyRequest(accelerator: policy))
        }
        #expect(survey(Self.usable).problems == [])
        #expect(survey(Self.usable).isolation == .virtualization)
        #expect(survey(Self.noDevice).problems.first?.contains("cannot open /dev/kvm") == true)
        #expect(survey(Self.usable, .tcg).problems.first?.contains("\"tcg\"") == true)
        let missing = LKVMHypervisor(installation: LKVMInstallation(program: nil), accelerators: Self.usable)
        #expect(missing.survey(SurveyRequest()).problems.first?.contains("lkvm is not in PATH") == true)
    }

    @Test func `libvirt needs its server and the program that talks to it`() throws {
        let scratch = try ScratchDirectory()
        let server = try program(scratch, "virtiofsd", "echo virtiofsd 1.0")
        func problems(keeper: FilePath?, address: String? = nil, socket: FilePath? = nil) -> [String] {
            let installation = LibvirtInstallation(
                keeper: keeper, virtiofsd: server, address: address, socket: socket)
            return LibvirtHypervisor(installation: installation, accelerators: Self.usable)
                .survey(SurveyRequest()).problems
        }
        #expect(problems(keeper: "/x/libvirt-domain", socket: "/x/sock") == [])
        #expect(problems(keeper: "/x/libvirt-domain", address: "qemu+unix:///system?socket=/x") == [])
        #expect(problems(keeper: nil, socket: "/x/sock").first?.contains("built without libvirt") == true)
        #expect(problems(keeper: "/x/libvirt-domain").first?.contains("libvirt does not run") == true)
    }

    // MARK: - The registry

    @Test func `an image with a kernel hears of all backends that could run its pods`() throws {
        let surveys = try BackendRegistry.survey(named: nil, choice: BackendChoice(), SurveyRequest())
        #expect(surveys.map(\.kind) == [.qemu, .lkvm, .libvirt])
        #expect(surveys.map(\.isChosen) == [true, false, false])
        let configured = try BackendRegistry.survey(named: nil, choice: BackendChoice(.lkvm), SurveyRequest())
        #expect(configured.map(\.kind) == [.lkvm, .qemu, .libvirt])
        #expect(configured.map(\.isChosen) == [true, false, false])
    }

    @Test(arguments: [HypervisorKind.nspawn, .fly])
    func `an image without one hears of its own only`(kind: HypervisorKind) throws {
        let choice = BackendChoice(.lkvm, binary: "/nonexistent/lkvm")
        let surveys = try BackendRegistry.survey(named: kind.rawValue, choice: choice, SurveyRequest())
        #expect(surveys.map(\.kind) == [kind])
        #expect(surveys.first?.isChosen == true)
        #expect(surveys.first?.problems == [])
    }

    @Test func `a configured program that is missing is the chosen backend's problem`() throws {
        let choice = BackendChoice(binary: "/nonexistent/qemu")
        let surveys = try BackendRegistry.survey(named: nil, choice: choice, SurveyRequest())
        #expect(surveys.first?.kind == .qemu && surveys.first?.isChosen == true)
        #expect(surveys.first?.problems.first?.contains("\"/nonexistent/qemu\"") == true)
        #expect(surveys.first?.isolation == nil)
    }

    @Test func `an unknown backend is refused`() {
        let error = #expect(throws: RuntimeError.self) {
            try BackendRegistry.survey(named: "bochs", choice: BackendChoice(), SurveyRequest())
        }
        #expect(error?.code == .unsupported)
    }
}
