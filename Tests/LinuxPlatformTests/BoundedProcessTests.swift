// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage
import Testing

struct BoundedProcessTests {
    private static let shell: FilePath = "/bin/sh"

    private func run(
        _ script: String, name: String? = nil, input: String = "", limits: ProcessLimits = ProcessLimits()
    ) throws -> BoundedProcess.Outcome {
        try BoundedProcess(
            program: Self.shell, name: name, arguments: ["-c", script], environment: ["LC_ALL=C"],
            input: Array(input.utf8), directory: "/tmp", limits: limits
        ).run()
    }

    @Test func `a program gets its input and a name, and gives back what it writes`() throws {
        let outcome = try run("cat; echo \"$0\"; echo oops >&2; exit 3", name: "other", input: "given ")
        #expect(outcome.exit == .exited(3))
        #expect(String(decoding: outcome.output, as: UTF8.self) == "given other\n")
        #expect(String(decoding: outcome.error, as: UTF8.self) == "oops\n")
    }

    @Test func `without input there is nothing to read`() throws {
        #expect(try run("cat; echo end").output == Array("end\n".utf8))
    }

    @Test func `a program that writes too much is ended`() {
        let error = #expect(throws: RuntimeError.self) {
            try run("while :; do echo more and more; done", limits: ProcessLimits(output: 1000))
        }
        #expect(error?.message.contains("more than 1000 bytes") == true)
    }

    @Test func `a file in memory keeps what is written to it`() throws {
        let writing = try FileSystem.openInMemory(named: "test")
        try FileSystem.writeAll(Array("text".utf8), to: writing)
        try writing.seek(offset: 0, from: .start)
        #expect(try FileSystem.read(writing, "memory") == Array("text".utf8))
        try writing.close()
    }
}
