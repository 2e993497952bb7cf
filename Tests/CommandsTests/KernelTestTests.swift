// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Stage0
import Testing

struct KernelTestTests {
    private static let trials = [
        KernelTrial(kernel: "default", status: 0, cause: "completed", milliseconds: 4_249, output: ["6.1"]),
        KernelTrial(
            kernel: "/images/new.aci", status: 251, cause: "guest-panicked", milliseconds: 61_950,
            message: "the guest's kernel panicked", console: (1...9).map { "line \($0)" }),
        KernelTrial(
            kernel: "sha512-12", status: 3, cause: "app-failed", milliseconds: 5_000, output: ["out"],
            errors: ["no\tsuch file"]),
        KernelTrial(
            kernel: "old.aci", status: 254, cause: "refused", milliseconds: 40, errors: ["run: no such file"]),
    ]

    private func rows(full: Bool) -> [[Substring]] {
        KernelTable.table(Self.trials, full: full, legend: true).text.split(separator: "\n").map {
            $0.split(separator: "\t")
        }
    }

    @Test func `each kernel has a line, and failures the end of what explains them`() {
        #expect(
            rows(full: false) == [
                ["KERNEL", "STATUS", "CAUSE", "SECONDS", "LAST LINES"],
                ["default", "0", "completed", "4.2"],
                ["new.aci", "251", "guest-panicked", "62.0", "the guest's kernel panicked"],
                ["line 5"], ["line 6"], ["line 7"], ["line 8"], ["line 9"],
                ["sha512-12", "3", "app-failed", "5.0", "no such file"],
                ["old.aci", "254", "refused", "0.0", "run: no such file"],
            ])
    }

    /// With 3 frames the line before the panic is the first that would be cut.
    @Test(arguments: [3, 4, 20]) func `the reason of a panic is shown before its trace`(frames: Int) {
        let trace = (1...frames).map { "frame \($0)" }
        let trial = KernelTrial(
            kernel: "k", status: 251, cause: "guest-panicked", milliseconds: 1,
            console: ["early", "before", "[1.2] Kernel panic - not syncing: why"] + trace + ["end"])
        #expect(
            trial.explanation(lines: 5)
                == ["before", "[1.2] Kernel panic - not syncing: why", "frame \(frames - 1)", "frame \(frames)", "end"])
    }

    @Test func `nothing is left out of the full table`() {
        let rows = rows(full: true)
        #expect(rows.contains(["line 1"]))
        #expect(rows[2].first == "/images/new.aci")
    }

    @Test func `programs get all that is known`() throws {
        let object = KernelTable.object(Self.trials[1])
        #expect(object.value(forKey: "kernel")?.string == "/images/new.aci")
        #expect(object.value(forKey: "status")?.int == 251)
        #expect(object.value(forKey: "cause")?.string == "guest-panicked")
        #expect(object.value(forKey: "seconds") == .number("62.0"))
        #expect(object.value(forKey: "console")?.array?.count == 9)
        #expect(KernelTable.object(Self.trials[0]).value(forKey: "output")?.array?.compactMap(\.string) == ["6.1"])
    }

    @Test func `only the end of an output is kept, without what would move a cursor`() {
        var tail = OutputTail()
        for number in 0..<20_000 { tail.append(Array("line \(number) \u{1B}[2J\n".utf8)) }
        #expect(tail.lines.count < 20_000)
        #expect(tail.lines.last?.hasPrefix("line 19999 ") == true)
        #expect(tail.lines.allSatisfy { $0.hasPrefix("line ") && !$0.contains("\u{1B}") })
    }

    @Test(
        arguments: [
            (["a.aci"], "--kernel"), (["--kernel=k.aci"], "rkt run"),
            (["--kernel=k.aci", "--timeout=0", "i"], "--timeout"),
            (["--kernel=k.aci", "--", "--uuid-file-save=f", "i"], "--uuid-file-save"),
            (["--kernel=k.aci", "--", "--interactive", "i"], "--interactive"),
        ] as [([String], String)])
    func `what makes no sense is refused before anything runs`(words: [String], text: String) {
        let recording = RecordingConsole()
        #expect(recording.run(["kernel-test"] + words) == 254)
        #expect(recording.messages.contains(text), "\(recording.messages)")
    }
}
