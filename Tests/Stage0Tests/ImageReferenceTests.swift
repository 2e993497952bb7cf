// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct ImageReferenceTests {
    @Test(arguments: [
        ("sha512-0123", ImageReference.hash("sha512-0123")), ("/no/such/image", .file("/no/such/image")),
        ("./image", .file("./image")), ("app.aci", .file("app.aci")), ("file:///x/app", .file("/x/app")),
        ("https://example.com/app.aci", .url("https://example.com/app.aci")),
        ("docker://busybox", .url("docker://busybox")), ("example.com/app:1.0", .name("example.com/app:1.0")),
        ("example.com/app,os=linux", .name("example.com/app,os=linux")),
    ])
    func argumentsAreInterpretedInOrder(argument: String, reference: ImageReference) throws {
        #expect(try ImageReference(interpreting: argument) == reference)
    }

    @Test func anExistingFileNeedsNoExtension() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("image")
        try FileSystem.write("x".utf8, to: path)
        #expect(try ImageReference(interpreting: path.string) == .file(path))
    }

    @Test(arguments: ["", "ftp://example.com/app.aci"])
    func whatCannotBeAnImageIsRefused(argument: String) {
        #expect(throws: RuntimeError.self) { try ImageReference(interpreting: argument) }
    }
}
