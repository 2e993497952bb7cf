// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Reading single files of an image that is not unpacked.
struct ImageFileTests {
    private let scratch: ScratchDirectory
    private let path: FilePath

    init() throws {
        scratch = try ScratchDirectory()
        path = scratch.appending("image.aci")
        var tar = TarFixture.image()
        tar.add("rootfs/survey", .symbolicLink, link: "bin/program")
        tar.add("rootfs/absolute", .symbolicLink, link: "/usr/bin/program")
        tar.add("rootfs/outside", .symbolicLink, link: "../../../../etc/passwd")
        tar.add("rootfs/loop", .symbolicLink, link: "loop")
        tar.add("rootfs/bin", .symbolicLink, link: "usr/bin")
        tar.add("rootfs/usr/bin", .directory, mode: 0o755)
        tar.add("rootfs/usr/bin/program", "contents", mode: 0o755)
        tar.add("rootfs/hard", .hardLink, link: "rootfs/usr/bin/program")
        tar.add("rootfs/fifo", .fifo)
        try FileSystem.write(tar.bytes(), to: path)
    }

    private func read<Result>(_ body: (ImageFile) throws -> Result) throws -> Result {
        let file = try FileDescriptor.open(path, .readOnly)
        defer { try? file.close() }
        return try body(ImageFile(file, name: "image.aci"))
    }

    @Test(arguments: ["usr/bin/program", "/usr/bin/program", "survey", "absolute", "bin/program", "hard"])
    func `a file is found by its path and by links to it`(name: String) throws {
        let bytes = try read { try $0.contents(of: name, limit: 100) }
        #expect(bytes == Array("contents".utf8))
    }

    @Test(arguments: ["nothing", "usr/bin", "fifo", "outside", "", "usr/bin/program/more"])
    func `what is no file of the image is not found`(name: String) throws {
        #expect(try read { try $0.contents(of: name, limit: 100) } == nil)
    }

    @Test func `links that lead nowhere end`() throws {
        let error = #expect(throws: RuntimeError.self) { try read { try $0.contents(of: "loop", limit: 100) } }
        #expect(error?.message.contains("links") == true)
    }

    @Test func `a file that is too large is refused`() throws {
        let error = #expect(throws: RuntimeError.self) { try read { try $0.contents(of: "survey", limit: 7) } }
        #expect(error?.message.contains("larger than 7 bytes") == true)
    }

    @Test func `the manifest is read as it stands`() throws {
        #expect(try read { try $0.manifestBytes() } == Array(TarFixture.manifest().utf8))
    }

    @Test func `a file that is no image is refused`() throws {
        try FileSystem.write("this is no archive".utf8, to: path)
        #expect(throws: RuntimeError.self) { try read { try $0.manifestBytes() } }
        var tar = TarFixture()
        tar.add("rootfs", .directory, mode: 0o755)
        try FileSystem.write(tar.bytes(), to: path)
        #expect(throws: RuntimeError.self) { try read { try $0.manifestBytes() } }
    }
}
