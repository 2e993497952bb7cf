// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Commands that write images and directories, and those that take several images.
struct ImageFileCommandTests {
    private let scratch: ScratchDirectory
    private let recording = RecordingConsole()

    init() throws { scratch = try ScratchDirectory() }

    private func rkt(_ arguments: String...) -> Int32 {
        recording.run(["--dir=\(scratch.appending("data"))", "--insecure-options=image"] + arguments)
    }

    /// Puts an image into the store.
    private func store(_ name: String) throws {
        var tar = TarFixture.image(TarFixture.manifest(name: name))
        tar.add("rootfs/file", "x")
        let path = scratch.appending("image.aci")
        try FileSystem.write(tar.bytes(), to: path)
        #expect(rkt("fetch", path.string) == 0)
    }

    @Test(
        arguments: [
            (["image", "build"], "paths"), (["image", "build", "out"], "both --manifest and --rootfs"),
            (["image", "build", "--manifest=m", "out"], "both --manifest and --rootfs"),
            (["image", "build", "--manifest=m", "--rootfs=r", "d", "out"], "a directory is of no use"),
            (["image", "build", "a", "b", "c"], "takes a directory and an output file"),
            (["image", "build", "--compression=lzma", "a", "b"], "lzma"),
            (["image", "build", "--owner=root:root", "a", "b"], "root:root"),
            (["image", "extract", "a"], "directory"), (["image", "render", "a"], "directory"),
        ])
    func `wrong command lines are explained`(arguments: [String], text: String) {
        #expect(recording.run(arguments) == 254)
        #expect(recording.messages.hasPrefix("Error: "))
        #expect(recording.messages.contains(text), "\(recording.messages)")
    }

    @Test(
        arguments: [
            ("0:0", ImageBuilder.Owner(uid: 0, gid: 0)), ("1000:100", ImageBuilder.Owner(uid: 1000, gid: 100)),
            ("4294967295:0", nil), ("1", nil), ("1:2:3", nil), (":", nil), ("-1:0", nil), ("root:0", nil),
        ] as [(String, ImageBuilder.Owner?)])
    func `owners are two numbers`(text: String, owner: ImageBuilder.Owner?) {
        #expect(ImageBuilder.Owner(argument: text) == owner)
    }

    @Test func `the epoch is seconds`() throws {
        #expect(try SourceDateEpoch.nanoseconds(nil) == nil)
        #expect(try SourceDateEpoch.nanoseconds("1704067200") == 1_704_067_200_000_000_000)
        for text in ["", "-1", "now", "1.5", "99999999999999"] {
            let error = #expect(throws: RuntimeError.self) { try SourceDateEpoch.nanoseconds(text) }
            #expect(error?.message.hasPrefix("SOURCE_DATE_EPOCH is \"\(text)\"") == true)
        }
    }

    @Test func `removing goes on after an image that is not there, and fails where it is not clear which is meant`()
        throws
    {
        try store("example.com/a")
        #expect(rkt("image", "rm", "example.com/none", "example.com/a") == 0)
        #expect(recording.messages.contains("rm: cannot find aci satisfying name: \"example.com/none\""))
        #expect(recording.messages.hasSuffix("rm: 1 image(s) successfully removed\n"))
        #expect(rkt("image", "rm", "sha512-00") == 0)
        try store("example.com/a")
        #expect(rkt("image", "rm", "sha512-a", "example.com/a") == 254)
        #expect(recording.messages.contains("rm: image ID too short"))
        #expect(recording.messages.hasSuffix("rm: 1 image(s) successfully removed\n"))
    }

    @Test func `all images are verified, whatever is wrong with one`() throws {
        try store("example.com/a")
        #expect(rkt("image", "verify", "example.com/none", "example.com/a") == 254)
        #expect(recording.output.contains("successfully verified checksum for image: \"example.com/a\" (\"sha512-"))
        #expect(recording.messages.contains("verify: cannot find aci satisfying name: \"example.com/none\""))
    }

    @Test func `a directory is replaced only when asked for, and then as one step`() throws {
        let path = scratch.appending("out")
        func write(_ text: String, overwrite: Bool) throws {
            try OutputDirectory.write(path, overwrite: overwrite) { partial in
                try FileSystem.makeDirectory(partial)
                try FileSystem.write(text.utf8, to: partial.appending("file"))
            }
        }
        try write("one", overwrite: false)
        let error = #expect(throws: RuntimeError.self) { try write("two", overwrite: false) }
        #expect(error?.message == "output directory exists (try --overwrite)")
        try write("three", overwrite: true)
        #expect(try FileSystem.readText(path.appending("file")) == "three")
        #expect(throws: RuntimeError.self) {
            try OutputDirectory.write(path, overwrite: true) { _ in throw RuntimeError(.internal, "no space") }
        }
        #expect(try FileSystem.readText(path.appending("file")) == "three")
        #expect(try FileSystem.list(scratch.path) == ["out"])
        for odd: FilePath in ["/", ".", "..", "a/.."] {
            let error = #expect(throws: RuntimeError.self) {
                try OutputDirectory.write(odd, overwrite: true) { _ in Issue.record("not reached") }
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `a file at the end of a link is written to, and the link stays`() throws {
        let (target, link) = (scratch.appending("target"), scratch.appending("link"))
        try FileSystem.write("a longer text".utf8, to: target)
        try FileSystem.makeSymbolicLink(to: "target", at: link)
        #expect(try OutputFile(link, overwrite: false) == nil)
        let file = try #require(try OutputFile(link, overwrite: true))
        try file.write { try FileSystem.writeAll(Array("new".utf8), to: $0) }
        #expect(try file.place())
        #expect(try FileSystem.readSymbolicLink(link) == "target")
        #expect(try FileSystem.readText(target) == "new")
    }
}
