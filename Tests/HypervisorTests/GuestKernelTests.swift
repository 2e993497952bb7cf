// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Which kernel of a stage1 image is booted.
struct GuestKernelTests {
    private let scratch: ScratchDirectory
    private var root: FilePath { scratch.path }

    init() throws { scratch = try ScratchDirectory() }

    private static let compressed = [UInt8](repeating: 0, count: 0x202) + Array("HdrS".utf8)

    /// An ELF file with one segment of notes.
    private static func plain(noteType: UInt8 = 18, owner: String = "Xen", segment: UInt8 = 4) -> [UInt8] {
        var header: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 56)
        header[32] = 64
        header[54] = 56
        header[56] = 1
        // Another note comes first, of odd lengths.
        let first: [UInt8] = [2, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0] + Array("G\0\0\0".utf8) + [1, 2, 3, 4, 5, 0, 0, 0]
        let second: [UInt8] =
            [4, 0, 0, 0, 4, 0, 0, 0, noteType, 0, 0, 0] + Array(owner.utf8) + [0] + [0, 0, 0, 1]
        var program = [UInt8](repeating: 0, count: 56)
        program[0] = segment
        program[8] = 120
        program[32] = UInt8(first.count + second.count)
        return header + program + first + second
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        try FileSystem.write(bytes, to: root.appending(name))
    }

    private func kernel(for capabilities: HypervisorCapabilities = .executableKernel) throws -> GuestKernel {
        try GuestKernel(inStage1: root, for: capabilities, .x86_64)
    }

    @Test func `a vmlinux is taken as it is, with an initrd if there is one`() throws {
        try write("vmlinux", Self.plain())
        #expect(try kernel() == .bundled(root.appending("vmlinux")))
        try write("initrd", [1])
        #expect(try kernel() == .bundled(root.appending("vmlinux"), initrd: root.appending("initrd")))
    }

    @Test func `each backend gets the kernel in the form that it takes`() throws {
        try write("vmlinux", Self.plain())
        try write("vmlinuz", Self.compressed)
        #expect(try kernel() == .bundled(root.appending("vmlinux")))
        #expect(try kernel(for: []) == .bundled(root.appending("vmlinuz")))
        // There is one form for ARM, which is not looked into.
        for capabilities in [HypervisorCapabilities.executableKernel, []] {
            #expect(
                try GuestKernel(inStage1: root, for: capabilities, .aarch64) == .bundled(root.appending("Image")))
        }
    }

    @Test func `a bzImage stands in for the kernels of the image below`() throws {
        try write("vmlinux", Self.plain())
        try write("vmlinuz", Self.compressed)
        try write("bzImage", Self.compressed)
        try write("initrd", [1])
        let other = GuestKernel.bundled(root.appending("bzImage"), initrd: root.appending("initrd"))
        #expect(try kernel() == other)
        #expect(try kernel(for: []) == other)
    }

    @Test func `a vmlinux of another image is no kernel for a backend that takes none`() throws {
        try write("vmlinux", Self.plain())
        // By this such an image hides the kernel of the one below.
        try write("vmlinuz", [])
        let error = #expect(throws: RuntimeError.self) { try kernel(for: []) }
        #expect(error?.message.contains("not a bzImage") == true)
    }

    @Test(
        arguments: [
            ("vmlinux", plain(noteType: 17), "PVH note"), ("vmlinux", plain(owner: "Xem"), "PVH note"),
            ("vmlinux", plain(segment: 1), "PVH note"), ("vmlinux", Array(plain().prefix(100)), "PVH note"),
            ("vmlinux", Array(plain().dropLast(12)), "PVH note"), ("vmlinux", compressed, "PVH note"),
            ("vmlinux", [], "PVH note"), ("bzImage", plain(), "not a bzImage"), ("bzImage", [], "not a bzImage"),
        ] as [(String, [UInt8], String)])
    func `a kernel that cannot be booted is named`(name: String, bytes: [UInt8], text: String) throws {
        try write(name, bytes)
        let error = #expect(throws: RuntimeError.self) { try kernel() }
        #expect(error?.message.contains(text) == true)
        #expect(error?.message.contains(root.appending(name).string) == true)
    }

    @Test func `sizes that lead nowhere are no trouble`() throws {
        var huge = Self.plain()
        for index in 32..<40 { huge[index] = 0xFF }
        try write("vmlinux", huge)
        #expect(throws: RuntimeError.self) { try kernel() }
        var long = Self.plain()
        for index in (64 + 32)..<(64 + 40) { long[index] = 0xFF }
        try write("vmlinux", long)
        #expect(try kernel() == .bundled(root.appending("vmlinux")))
    }
}
