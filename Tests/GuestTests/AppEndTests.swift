// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
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

    @Test func aServiceThatNeverRanHasFailedUnlessItsResultSaysOtherwise() {
        #expect(AppEnd(code: nil, status: nil, result: "exit-code").status == 1)
        #expect(AppEnd(code: nil, status: nil, result: "success").status == 0)
    }
}
