// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

struct SettingsTests {
    @Test(
        arguments: [
            ("none", InsecureOptions()), ("image", .image), ("image,seccomp", [.image, .seccomp]),
            ("all-fetch", [.image, .tls, .http]), ("all-run", [.capabilities, .paths, .seccomp]), ("all", .all),
            ("none,ondisk", .onDisk),
        ] as [(String, InsecureOptions)])
    func insecureOptionsAreAListOfWords(text: String, options: InsecureOptions) throws {
        #expect(try InsecureOptions(parsing: text) == options)
    }

    @Test(arguments: ["bogus", "image,bogus", "bogus,all"])
    func anUnknownInsecureOptionIsNamed(text: String) throws {
        let error = #expect(throws: RuntimeError.self) { try InsecureOptions(parsing: text) }
        #expect(error?.message == "unknown option \"bogus\"")
    }

    @Test func noticesWithoutDebugAreLeftOut() throws {
        let scratch = try ScratchDirectory()
        for (isDebug, expected) in [
            (false, "stage0: warning: c\n"), (true, "image: a\nstage0: b\nstage0: warning: c\n"),
        ] {
            let path = scratch.appending("out-\(isDebug)")
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create], permissions: [.ownerRead, .ownerWrite])
            let notices = Notices(isDebug: isDebug, output: file)
            notices.image("a")
            notices.stage0("b")
            notices.warning("stage0", "c")
            try file.close()
            #expect(try FileSystem.readText(path) == expected)
        }
    }
}
