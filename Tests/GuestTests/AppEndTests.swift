// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import GuestProtocol
import Testing

struct AppEndTests {
    @Test(
        arguments: [
            ("exited", "0", "success", 0), ("exited", "42", "exit-code", 42), ("killed", "KILL", "signal", 137),
            ("killed", "TERM", "success", 143), ("dumped", "SEGV", "core-dump", 139),
            ("exited", "203", "exit-code", 203), ("killed", "RTMIN+0", "signal", 162),
            ("killed", "RTMIN+3", "signal", 165), ("killed", "RTMIN+30", "signal", 192),
            ("killed", "RTMIN+99", "signal", 128), ("killed", "33", "signal", 161),
        ] as [(String, String, String, Int32)]) func readsWhatSystemdSays(
            code: String, status: String, result: String, expected: Int32
        )
    {
        #expect(AppEnd(code: code, status: status, result: result).status == expected)
    }

    @Test(
        arguments: [
            ("exited", "137", "oom_kill 1", .exited), ("killed", "KILL", "oom 0\noom_kill 0\n", .signal),
            ("killed", "KILL", "low 0\noom 3\noom_kill 2\n", .outOfMemory), ("killed", "TERM", "oom_kill 2\n", .signal),
            ("killed", "KILL", "", .signal), ("dumped", "SEGV", "oom_kill 0\n", .signal),
        ] as [(String, String, String, GuestMessage.ExitCause)]) func knowsWhy(
            code: String, status: String, events: String, cause: GuestMessage.ExitCause
        )
    {
        #expect(AppEnd(code: code, status: status, result: "signal", events: events).cause == cause)
    }

    @Test func aServiceThatNeverRanHasFailedUnlessItsResultSaysOtherwise() {
        #expect(AppEnd(code: nil, status: nil, result: "exit-code").status == 1)
        #expect(AppEnd(code: nil, status: nil, result: "success").status == 0)
    }
}
