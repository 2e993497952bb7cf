// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Diagnostics
import Glibc
import Testing

struct SinceTimeTests {
    /// 2026-01-02 15:04:05.5 UTC
    private static let now: UInt64 = 1_767_366_245_500_000

    @Test(
        arguments: [
            ("2026-01-02 15:04:05", 1_767_366_245_000_000), ("2026-01-02 15:04:05.25", 1_767_366_245_250_000),
            ("2026-01-02 15:04", 1_767_366_240_000_000), ("2026-01-02", 1_767_312_000_000_000),
            ("2026-01-02 15:04:05 UTC", 1_767_366_245_000_000), ("2026-01-02T15:04:05Z", 1_767_366_245_000_000),
            ("2026-01-02T17:34:05+02:30", 1_767_366_245_000_000), ("2026-01-02T10:04:05.5-05:00", now),
            ("2024-02-29", 1_709_164_800_000_000), ("@1767366245", 1_767_366_245_000_000), ("@1767366245.5", now),
            ("@0", 0), ("now", now), ("today", 1_767_312_000_000_000), ("yesterday", 1_767_225_600_000_000),
            ("-5min", now - 300_000_000), ("- 5 min", now - 300_000_000), ("5min ago", now - 300_000_000),
            ("1h ago", now - 3_600_000_000), ("1h 30min ago", now - 5_400_000_000), ("1h30m ago", now - 5_400_000_000),
            ("-2 days", now - 172_800_000_000), ("1week ago", now - 604_800_000_000), ("-90", now - 90_000_000),
            ("-1ms", now - 1000), ("-99999999h", 0),
        ] as [(String, UInt64)])
    func `times in the forms of systemd`(text: String, time: UInt64) throws {
        setenv("TZ", "UTC0", 1)
        #expect(try SinceTime.parse(text, now: Self.now) == time)
    }

    @Test(
        arguments: [
            "", "5min", "+5min", "tomorrow", "1month ago", "1y ago", "-", " ago", "-5parsecs", "2026-02-30",
            "2026-13-01",
            "2026-01-02 25:00:00", "2026-01-02T15:04:05", "2026-01-02T15:04:05+2", "Fri 2026-01-02", "15:04:05",
            "02.01.2026", "@", "@x", "@-1", "@1.", "1h -5min ago", "-99999999999999999999h", "2026-01-02 15:04:05 CET",
            "1969-12-31", "-1.5h",
        ])
    func `every other form is refused by name`(text: String) throws {
        let error = try #require(throws: RuntimeError.self) { try SinceTime.parse(text, now: Self.now) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.hasPrefix("--since: \"\(text)\" is not a time"))
    }
}
