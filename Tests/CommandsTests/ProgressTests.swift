// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Synchronization
import Testing

struct ProgressTests {
    private static let mebibyte: Int64 = 1 << 20

    private func text(_ done: Int64, of total: Int64?, milliseconds: Int = 500) -> ProgressText {
        ProgressText(
            step: "importing busybox.aci", done: done * Self.mebibyte, total: total.map { $0 * Self.mebibyte },
            milliseconds: milliseconds)
    }

    @Test(
        arguments: [
            (200, "image: importing busybox.aci  [===========>                  ]  45 MiB/120 MiB  37%  90 MiB/s"),
            (80, "image: importing busybox.aci  [======>         ]  45 MiB/120 MiB  37%  90 MiB/s"),
            (71, "image: importing busybox.aci  45 MiB/120 MiB  37%  90 MiB/s"),
            (55, "image: importing busybox.aci  45 MiB/120 MiB  37%"), (45, "image: importing busybox.aci  37%"),
            (30, "image: importing busybo…  37%"), (10, "ima…  37%"), (1, "…  37%"),
        ])
    func `a narrow terminal gets less`(columns: Int, line: String) {
        #expect(text(45, of: 120).line(columns: columns) == line)
    }

    @Test(arguments: 8...120) func `a line stays within the terminal`(columns: Int) {
        for done in [0, 1, 60, 119, 120] as [Int64] {
            #expect(text(done, of: 120).line(columns: columns).count < columns)
            #expect(text(done, of: nil).line(columns: columns).count < columns)
        }
    }

    @Test func `without a total there is no share`() {
        #expect(text(45, of: nil).line(columns: 80) == "image: importing busybox.aci  45 MiB  90 MiB/s")
        #expect(text(45, of: 0).line(columns: 80) == "image: importing busybox.aci  45 MiB  90 MiB/s")
        #expect(text(45, of: nil).line(columns: 20) == "image: importing b…")
    }

    @Test func `a complete step has a full bar, also when the file has grown`() {
        for done in [120, 130] as [Int64] {
            #expect(
                text(done, of: 120).line(columns: 82)
                    == "image: importing busybox.aci  [===============]  120 MiB/120 MiB  100%  240 MiB/s")
        }
    }

    @Test func `there is no rate before time has passed`() {
        #expect(text(45, of: nil, milliseconds: 0).line(columns: 80) == "image: importing busybox.aci  45 MiB")
    }

    @Test func `a name cannot command the terminal`() {
        let text = ProgressText(step: "importing a\u{1b}[2J\n\u{9b}b", done: 0, total: nil, milliseconds: 0)
        #expect(text.line(columns: 80) == "image: importing a?[2J??b  0 B")
    }

    // MARK: - The line

    /// A terminal of 80 columns and a clock.
    private final class Screen: Sendable {
        let written = Mutex<[String]>([])
        let time = Mutex(0)
        let columns = Mutex(80)

        var line: ProgressLine {
            ProgressLine(
                columns: { [self] in columns.withLock { $0 } }, now: { [self] in time.withLock { $0 } },
                write: { [self] text in written.withLock { $0.append(text) } })
        }
    }

    @Test func `a short step shows nothing`() {
        let screen = Screen()
        let progress = screen.line.progress
        for time in [0, 100, 299] {
            screen.time.withLock { $0 = time }
            progress.report("step", 1, 2)
        }
        progress.end()
        #expect(screen.written.withLock { $0 } == [])
    }

    @Test func `a long step is shown ten times a second, then erased`() {
        let screen = Screen()
        let progress = screen.line.progress
        for time in 0...1000 {
            screen.time.withLock { $0 = time }
            progress.report("step", Int64(time), 2000)
        }
        progress.end()
        progress.end()
        let written = screen.written.withLock { $0 }
        #expect(written.count == 9)
        #expect(written.first?.contains("300 B/2.0 KiB  15%") == true)
        #expect(written.last == "\r\u{1b}[K")
    }

    @Test func `every step has its own time`() {
        let screen = Screen()
        let progress = screen.line.progress
        for (step, time) in [("one", 0), ("one", 300), ("two", 1000), ("two", 1299), ("two", 1300)] {
            screen.time.withLock { $0 = time }
            progress.report(step, 30, nil)
        }
        let erasure = "\u{1b}[K"
        #expect(
            screen.written.withLock { $0 } == [
                "\rimage: one  30 B  100 B/s\(erasure)", "\r\(erasure)", "\rimage: two  30 B  100 B/s\(erasure)",
            ])
    }

    @Test func `a job in the background draws nothing`() {
        let screen = Screen()
        screen.columns.withLock { $0 = 0 }
        let progress = screen.line.progress
        progress.report("step", 1, 2)
        screen.time.withLock { $0 = 1000 }
        progress.report("step", 2, 2)
        progress.end()
        #expect(screen.written.withLock { $0 } == [])
    }
}
