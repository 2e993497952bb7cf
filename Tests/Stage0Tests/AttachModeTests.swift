// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import Testing

struct AttachModeTests {
    @Test(
        arguments: [
            ("auto", ["--action=auto-attach"]), ("list", ["--action=list"]),
            ("tty", ["--action=custom-attach", "--tty-in=true", "--tty-out=true", "--stdin=false"]),
            ("tty-in", ["--action=custom-attach", "--tty-in=true", "--tty-out=false", "--stdin=false"]),
            ("tty-out", ["--action=custom-attach", "--tty-in=false", "--tty-out=true", "--stdin=false"]),
            (
                "stderr,stdin",
                ["--action=custom-attach", "--tty-in=false", "--stdin=true", "--stdout=false", "--stderr=true"]
            ),
            ("stdout", ["--action=custom-attach", "--stdin=false", "--stdout=true", "--stderr=false"]),
        ])
    func aModeBecomesArgumentsOfStage1(mode: String, expected: [String]) throws {
        let interface = try Stage1Interface(ImageManifest(name: "example.com/stage1"))
        let arguments = try interface.attachArguments(
            AttachMode(parsing: mode), app: "web", endsInput: true, isDebug: false)
        #expect(arguments.starts(with: [expected[0], "--app=web"]))
        #expect(Set(expected).isSubset(of: arguments))
        #expect(arguments.last == "--end-input")
    }

    @Test(arguments: ["", "x", "stdin,", "stdin,stdin", "stdin,tty", "auto,list", "tty-in,tty-out", "TTY"])
    func otherModesAreRefusedWithThoseThatThereAre(mode: String) {
        let error = #expect(throws: RuntimeError.self) { try AttachMode(parsing: mode) }
        #expect(error?.message.hasPrefix("--mode=\(mode) is none of auto, list, tty") == true)
    }
}
