// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct TimeSpanTests {
    @Test(
        arguments: [
            ("0", 0), ("0s", 0), ("30m", 1_800_000_000_000), ("1h30m", 5_400_000_000_000),
            ("24h0m0s", 86_400_000_000_000),
            ("1.5h", 5_400_000_000_000), (".5s", 500_000_000), ("1.s", 1_000_000_000), ("250ms", 250_000_000),
            ("3us", 3_000), ("3µs", 3_000), ("7ns", 7), ("+5s", 5_000_000_000), ("1m1m", 120_000_000_000),
        ] as [(String, Int64)])
    func `lengths of time as Go writes them`(text: String, nanoseconds: Int64) {
        #expect(TimeSpan(argument: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", "5", "s", ".s", "-5s", "5 s", "1x", "h1", "9999999999h", "1h2", "00", "1.5.5s", "+"])
    func `anything else is not one`(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test(
        arguments: [
            (0, "0s"), (1_800_000_000_000, "30m0s"), (86_400_000_000_000, "24h0m0s"), (1_500_000_000, "1.5s"),
            (61_000_000_000, "1m1s"), (7, "0.000000007s"),
        ] as [(Int64, String)])
    func `they are shown in the same way`(nanoseconds: Int64, text: String) {
        #expect(TimeSpan(nanoseconds: nanoseconds).description == text)
        #expect(TimeSpan(argument: text)?.nanoseconds == nanoseconds)
    }

    @Test(
        arguments: [
            ("true", WaitTime.forever), ("false", .never), ("10s", .limited(TimeSpan(nanoseconds: 10_000_000_000))),
            ("0s", .limited(TimeSpan(nanoseconds: 0))), ("1", .forever),
        ] as [(String, WaitTime)])
    func `a wait is a truth value or a length of time`(text: String, wait: WaitTime) {
        #expect(WaitTime(argument: text) == wait)
    }

    @Test func `a wait below a millisecond is not none`() {
        #expect(WaitTime(argument: "1ns")?.timeout == 1)
        #expect(WaitTime(argument: "2s")?.timeout == 2000)
        #expect(WaitTime(argument: "true")?.timeout == nil)
        #expect(WaitTime(argument: "soon") == nil)
    }
}
