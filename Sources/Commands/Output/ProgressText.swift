// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// How far a step has come, as one line of a terminal.
package struct ProgressText {
    private let step: String
    private let done: Int64
    private let total: Int64?
    private let rate: Int64?

    /// - Parameters:
    ///   - done: in bytes, like the total; a total of zero counts as unknown.
    ///   - milliseconds: how long the step has taken so far.
    package init(step: String, done: Int64, total: Int64?, milliseconds: Int) {
        // Names of files may hold what a terminal takes for commands.
        let shown = step.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }
        self.step = "image: " + String(String.UnicodeScalarView(shown))
        self.total = total.flatMap { $0 > 0 ? $0 : nil }
        self.done = min(max(0, done), self.total ?? .max)
        rate = milliseconds > 0 ? Int64(Double(self.done) * 1000 / Double(milliseconds)) : nil
    }

    /// `image: importing busybox.aci  [===>      ]  45 MiB/120 MiB  38%  90 MiB/s`, without what does not fit: the bar
    /// goes first, then the rate, then the bytes, then the end of the name.
    package func line(columns: Int) -> String {
        // A line that fills the last column makes some terminals go on to the next.
        let width = max(0, columns - 1)
        let percent = total.map { "  \(Int(Double(done) / Double($0) * 100))%" } ?? ""
        let bytes = "  " + ProgressText.size(done) + (total.map { "/" + ProgressText.size($0) } ?? "")
        let speed = rate.map { "  \(ProgressText.size($0))/s" } ?? ""
        for tail in [bytes + percent + speed, bytes + percent, percent] {
            let room = width - step.count - tail.count
            if room >= 0 { return step + (tail.hasSuffix(speed) ? bar(room - 2) : "") + tail }
        }
        return String(step.prefix(max(0, width - percent.count - 1))) + "…" + percent
    }

    /// At most 34 columns with its distance from the name; nothing when too few are left to tell anything.
    private func bar(_ room: Int) -> String {
        let width = min(room - 2, 30)
        guard let total, width >= 8 else { return "" }
        let full = Int(Double(done) / Double(total) * Double(width))
        let head = full < width ? String(repeating: "=", count: full) + ">" : String(repeating: "=", count: width)
        return "  [" + head + String(repeating: " ", count: width - head.count) + "]"
    }

    private static func size(_ bytes: Int64) -> String { SizeText.short(bytes, separator: " ") }
}
