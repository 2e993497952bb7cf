// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct BackendRegistryTests {
    @Test(arguments: HypervisorKind.allCases)
    func `every name has its backend`(kind: HypervisorKind) throws {
        #expect(try BackendRegistry.hypervisor(named: kind.rawValue).kind == kind)
    }

    @Test func `an unknown name is refused with those that are known`() {
        let error = #expect(throws: RuntimeError.self) { try BackendRegistry.hypervisor(named: "bochs") }
        #expect(error?.code == .unsupported)
        for word in ["bochs", "qemu", "lkvm", "libvirt", "nspawn", "fly"] {
            #expect(error?.message.contains(word) == true)
        }
    }

    @Test func `an image that names no backend means QEMU`() throws {
        #expect(try BackendRegistry.hypervisor(named: nil).kind == .qemu)
        #expect(try BackendRegistry.hypervisor(named: nil, choice: BackendChoice(.lkvm)).kind == .lkvm)
    }

    @Test(arguments: [HypervisorKind.nspawn, .fly])
    func `pods without a kernel of their own are run as their image says`(kind: HypervisorKind) throws {
        let choice = BackendChoice(.lkvm, binary: "/nonexistent/lkvm")
        #expect(try BackendRegistry.hypervisor(named: kind.rawValue, choice: choice).kind == kind)
    }

    @Test(arguments: [nil, "qemu", "lkvm"], [HypervisorKind.nspawn, .fly])
    func `an image with a kernel is not run without it, whatever is configured`(name: String?, kind: HypervisorKind) {
        let error = #expect(throws: RuntimeError.self) {
            try BackendRegistry.hypervisor(named: name, choice: BackendChoice(kind))
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(kind.rawValue) == true)
    }

    @Test func `the configuration's backend counts more than the image's`() throws {
        #expect(try BackendRegistry.hypervisor(named: "qemu", choice: BackendChoice(.lkvm)).kind == .lkvm)
        #expect(try BackendRegistry.hypervisor(named: "lkvm", choice: BackendChoice(.qemu)).kind == .qemu)
    }

    @Test func `the configuration's program is used, whatever the search path has`() throws {
        let scratch = try ScratchDirectory()
        let program = scratch.appending("hypervisor")
        try FileSystem.write([], to: program, mode: 0o755)
        let qemu = try BackendRegistry.hypervisor(named: "qemu", choice: BackendChoice(binary: program))
        #expect((qemu as? QEMUHypervisor)?.installation.emulator == program)
        let lkvm = try BackendRegistry.hypervisor(named: "qemu", choice: BackendChoice(.lkvm, binary: program))
        #expect((lkvm as? LKVMHypervisor)?.installation.program == program)
    }

    @Test func `a program that is none is named`() throws {
        let scratch = try ScratchDirectory()
        let file = scratch.appending("file")
        try FileSystem.write([], to: file, mode: 0o644)
        for path in [file, scratch.path, scratch.appending("missing")] {
            let error = #expect(throws: RuntimeError.self) {
                try BackendRegistry.hypervisor(named: "qemu", choice: BackendChoice(binary: path))
            }
            #expect(error?.code == .notFound)
            #expect(error?.message.contains("\"\(path)\"") == true)
            #expect(error?.message.contains("\"binary\"") == true)
        }
    }

    @Test func `lkvm is found by either of its names`() throws {
        let scratch = try ScratchDirectory()
        try FileSystem.write([], to: scratch.appending("kvmtool"), mode: 0o755)
        #expect(LKVMInstallation.probe(searchPath: scratch.path.string).program == scratch.appending("kvmtool"))
        try FileSystem.write([], to: scratch.appending("lkvm"), mode: 0o755)
        #expect(LKVMInstallation.probe(searchPath: scratch.path.string).program == scratch.appending("lkvm"))
        #expect(LKVMInstallation.probe(searchPath: "").program == nil)
    }
}
