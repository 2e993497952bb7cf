// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import Stage1
import Testing

struct AttachArgumentsTests {
    @Test func whatStage0SaysIsUnderstood() throws {
        let list = try AttachArguments(parsing: ["--action=list", "--app=web", "--debug"])
        #expect(list.action == .list)
        #expect(list.app == "web")
        #expect(try AttachArguments(parsing: ["--action=auto-attach", "--app=web"]).action == .join([]))
        let some = try AttachArguments(parsing: [
            "--action=custom-attach", "--app=web", "--tty-in=false", "--tty-out=false", "--stdin=true", "--stdout=true",
            "--stderr=false", "--end-input",
        ])
        #expect(some.action == .join([.stdin, .stdout]))
        #expect(some.endsInput)
        #expect(!list.endsInput)
    }

    @Test(
        arguments: [
            ["--action=auto-attach"], ["--app=web"], ["--action=other", "--app=web"],
            ["--action=custom-attach", "--app=web"],
            ["--action=custom-attach", "--app=web", "--stdin=maybe"], ["--action=list", "--app=web", "--unknown"],
        ])
    func everythingElseIsRefused(arguments: [String]) {
        #expect(throws: RuntimeError.self) { try AttachArguments(parsing: arguments) }
    }
}
