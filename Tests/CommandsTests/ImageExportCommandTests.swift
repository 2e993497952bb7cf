// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Diagnostics
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ImageExportCommandTests {
    private let scratch: ScratchDirectory
    private let blob: FilePath

    init() throws {
        scratch = try ScratchDirectory()
        blob = scratch.appending("blob")
        try FileSystem.write([UInt8](repeating: 7, count: 600_000), to: blob)
    }

    private func export(to file: FilePath, overwrite: Bool) throws {
        let input = try FileDescriptor.open(blob, .readOnly)
        defer { try? input.close() }
        try ImageExportCommand.copy(input, to: file, overwrite: overwrite)
    }

    @Test func `the file has the image's bytes and nothing else is left`() throws {
        try export(to: scratch.appending("out"), overwrite: false)
        #expect(try FileSystem.read(scratch.appending("out")) == FileSystem.read(blob))
        #expect(try FileSystem.list(scratch.path) == ["blob", "out"])
    }

    @Test func `an existing file is replaced only when asked for`() throws {
        let out = scratch.appending("out")
        try FileSystem.write("old".utf8, to: out)
        let error = try #require(throws: RuntimeError.self) { try export(to: out, overwrite: false) }
        #expect(error.message == "output ACI file exists (try --overwrite)")
        #expect(try FileSystem.readText(out) == "old")
        try export(to: out, overwrite: true)
        #expect(try FileSystem.status(out).size == 600_000)
    }

    @Test func `a directory that does not exist is an error`() throws {
        #expect(throws: RuntimeError.self) { try export(to: scratch.appending("none/out"), overwrite: false) }
        #expect(try FileSystem.list(scratch.path) == ["blob"])
    }
}
