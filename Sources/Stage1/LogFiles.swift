// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import GuestProtocol
import LinuxPlatform
import PodStore
import SystemPackage

/// The log files of a pod's apps, in directories of the host that others change as well: they rotate files by renaming them.
///
/// Nothing here fails: a pod runs on when a file cannot be written, and one line says so.
final class LogFiles {
    private let pod: PodLayout
    private let complain: (String) -> Void
    private var files: [String: LogFile] = [:]
    private var apps: Set<String> = []

    init(_ pod: PodLayout, complain: @escaping (String) -> Void) {
        self.pod = pod
        self.complain = complain
    }

    /// From now on lines of an app go to the file that the pod's manifest names.
    func begin(_ app: String) {
        end(app)
        do {
            let manifest = try PodManifest(parsing: FileSystem.read(pod.manifest))
            guard let plan = try LogFilePlan(manifest, app: app) else { return }
            files[app] = LogFile(plan)
            apps.insert(app)
        } catch {
            complain("app \(app) has no log file: \(error)")
        }
    }

    func end(_ app: String) {
        files.removeValue(forKey: app)?.close()
        apps.remove(app)
    }

    func append(_ entry: JournalEntry) {
        guard !apps.isEmpty, let app = entry.app(among: apps), let file = files[app] else { return }
        let lines = LogFileLine.lines(of: entry)
        guard !lines.isEmpty else { return }
        do {
            try file.append(lines)
        } catch {
            guard !file.hasFailed else { return }
            file.hasFailed = true
            complain("lines of app \(app) are only in the pod's journal: \(error)")
        }
    }
}

/// The form of lines in log files.
package enum LogFileLine {
    /// `2006-01-02T15:04:05.000000000Z stdout TEXT` for each line of an entry's message: none can pass for two.
    package static func lines(of entry: JournalEntry) -> [UInt8] {
        guard let message = entry.value(of: "MESSAGE") else { return [] }
        let isError = entry.text(of: "SYSLOG_FACILITY") == "\(JournalEntry.errorFacility)"
        let head = Array("\(time(entry.realtime)) \(isError ? "stderr" : "stdout") ".utf8)
        let newline = UInt8(ascii: "\n")
        var lines: [UInt8] = []
        for line in message.split(separator: newline, omittingEmptySubsequences: false) {
            lines += head
            lines += line
            lines.append(newline)
        }
        return lines
    }

    /// - Parameter microseconds: since 1970.
    private static func time(_ microseconds: UInt64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1, 2), padded(parts.tm_mday, 2)]
        let clock = [padded(parts.tm_hour, 2), padded(parts.tm_min, 2), padded(parts.tm_sec, 2)]
        let fraction = padded(Int32(microseconds % 1_000_000), 6)
        return "\(date.joined(separator: "-"))T\(clock.joined(separator: ":")).\(fraction)000Z"
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// One file, opened anew when its path is another file.
private final class LogFile {
    private enum Limit {
        /// Milliseconds between two looks at the path.
        static let look = 1000
    }

    private let plan: LogFilePlan
    private var file: FileDescriptor?
    private var lookedAt: Int?
    /// Whether a failure has been told, and nothing was written since.
    var hasFailed = false

    init(_ plan: LogFilePlan) { self.plan = plan }

    func close() {
        try? file?.close()
        file = nil
    }

    /// - Throws: when the file cannot be had or written. Until the next look, lines are left out without a word then.
    func append(_ bytes: [UInt8]) throws {
        let now = Clock.milliseconds
        if lookedAt.map({ now - $0 >= Limit.look }) ?? true {
            lookedAt = now
            try look()
        }
        guard let file else { return }
        do {
            try FileSystem.writeAll(bytes, to: file, plan.file)
            hasFailed = false
        } catch {
            close()
            throw error
        }
    }

    private func look() throws {
        do {
            try FileSystem.makeDirectories(plan.directory)
            let tree = try GuardedTree(plan.directory)
            defer { tree.close() }
            if let file, let found = try? tree.open(plan.file) {
                defer { try? found.close() }
                let (ours, theirs) = (try FileSystem.status(of: file), try FileSystem.status(of: found))
                if ours.inode == theirs.inode, ours.device == theirs.device { return }
            }
            let opened = try tree.fileToAppend(plan.file, mode: 0o640)
            close()
            file = opened
        } catch {
            close()
            throw error
        }
    }
}
