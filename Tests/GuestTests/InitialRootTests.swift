// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Guest
import SystemPackage
import Testing

struct InitialRootTests {
    @Test(
        arguments: [
            ("console=ttyS0 init=/usr/lib/rkt/rkt-guest quiet\n", "/usr/lib/rkt/rkt-guest"),
            ("init=/a init=/b", "/b"), ("init=/a -- init=/b", "/a"), ("rdinit=/a noinit=/b", nil), ("", nil),
        ] as [(String, String?)])
    func `the user's last word on the first program counts`(line: String, program: String?) {
        #expect(InitialRoot.firstProgram(onCommandLine: line)?.string == program)
    }

    @Test func `modules are loaded in the order of their list`() throws {
        #expect(try InitialRoot.files(inOrder: "b.ko\na.ko\n") == ["b.ko", "a.ko"])
        #expect(try InitialRoot.files(inOrder: "") == [])
    }

    @Test(arguments: ["../init", "/init", "a/b.ko", ".."])
    func `what is no file of the directory is not loaded`(line: String) {
        #expect(throws: RuntimeError.self) { try InitialRoot.files(inOrder: "a.ko\n\(line)\n") }
    }
}
