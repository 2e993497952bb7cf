// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Glibc
import Testing

struct TextTests {
    @Test(
        arguments: [
            (0, "0B"), (512, "512B"), (1023, "1023B"), (1024, "1.0KiB"), (9_856_614, "9.4MiB"), (12_582_912, "12MiB"),
            (10_485_760, "10MiB"), (10_485_759, "10MiB"), (149_946_368, "143MiB"), (5_905_580_032, "5.5GiB"),
        ] as [(Int64, String)])
    func `sizes have a decimal below ten`(bytes: Int64, text: String) {
        #expect(SizeText.short(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "now"), (1, "1 second ago"), (41, "41 seconds ago"), (60, "1 minute ago"), (150, "2 minutes ago"),
            (3600, "1 hour ago"), (86_399, "23 hours ago"), (86_400, "1 day ago"), (6 * 86_400, "6 days ago"),
            (7 * 86_400, "1 week ago"), (29 * 86_400, "4 weeks ago"), (65 * 86_400, "2 months ago"),
            (800 * 86_400, "2 years ago"), (-120, "2 minutes from now"),
        ] as [(Int64, String)])
    func `times are told from now`(seconds: Int64, text: String) {
        let now: Int64 = 1_700_000_000_500_000_000
        #expect(TimeText.relative(now - seconds * 1_000_000_000, to: now) == text)
    }

    @Test(
        arguments: [
            (1_453_819_414_631_000_000, "2016-01-26 14:43:34.631"),
            (1_453_819_414_500_999_999, "2016-01-26 14:43:34.5"),
            (1_453_819_414_000_000_000, "2016-01-26 14:43:34"), (1_453_819_414_040_000_000, "2016-01-26 14:43:34.04"),
            (-500_000_000, "1969-12-31 23:59:59.5"),
        ] as [(Int64, String)])
    func `times in full are local, with milliseconds as far as needed`(time: Int64, text: String) {
        setenv("TZ", "UTC0", 1)
        #expect(TimeText.absolute(time) == text + " +0000 UTC")
    }

    @Test(
        arguments: [
            ("runn", "run", 1), ("lsit", "list", 1), ("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3),
        ] as [(String, String, Int)])
    func `edits are counted`(source: String, target: String, count: Int) {
        #expect(Spelling.edits(from: source, to: target) == count)
        #expect(Spelling.edits(from: target, to: source) == count)
    }

    @Test(
        arguments: [
            ("prepar", "prepare"), ("stauts", "status"), ("hepl", "help"), ("xyz", nil), ("r", "rm"),
        ] as [(String, String?)])
    func `only what is near is suggested`(word: String, suggestion: String?) {
        let commands = ["run", "prepare", "run-prepared", "list", "status", "help", "rm"]
        #expect(Spelling.nearest(to: word, in: commands) == suggestion)
    }
}
