// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A line of an app as `rkt run` prints it: `[   12.345678] app[42]: text`.
package struct AppLine: Equatable, Sendable {
    package let time: Double
    package let app: String
    package let pid: Int
    package let text: String

    /// Nil for a line that is not of this form.
    package init?(_ line: some StringProtocol) {
        guard let match = String(line).wholeMatch(of: /\[([ 0-9.]{12,})\] ([^ \[]+)\[([0-9]+)\]: (.*)/) else {
            return nil
        }
        let digits = match.1.drop { $0 == " " }
        guard digits.wholeMatch(of: /[0-9]+\.[0-9]{6}/) != nil, match.1.count == 12 || digits.count == match.1.count,
            let time = Double(digits), let pid = Int(match.3)
        else { return nil }
        self.time = time
        self.pid = pid
        app = String(match.2)
        text = String(match.4)
    }
}

extension AppLine {
    /// The texts of an app's lines in what `rkt run` has printed. Where nobody is beside the app, all lines are its own.
    package static func texts(in output: String, of app: String) -> [String] {
        if TestedStage1.lacks(.supervisor) { return output.split(separator: "\n").map(String.init) }
        return output.split(separator: "\n").compactMap { AppLine($0) }.filter { $0.app == app }.map(\.text)
    }
}

extension HostProcess.Outcome {
    /// The texts of an app's lines.
    package func texts(of app: String = "busybox") -> [String] { AppLine.texts(in: output, of: app) }

    /// Lines on standard output that are not an app's.
    package var foreignLines: [String] {
        TestedStage1.lacks(.supervisor) ? [] : lines.filter { AppLine($0) == nil }
    }
}
