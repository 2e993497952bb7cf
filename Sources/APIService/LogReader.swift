// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import GRPCCore
import GuestProtocol
import LinuxPlatform
import PodJournal
import PodStore
import RktAPI
import Stage0
import Synchronization

/// Which lines of a pod's journal a client wants. Times are microseconds since 1970.
package struct LogSelection: Sendable {
    package var app: String?
    /// How many of the last lines; nil for all.
    package var lines: Int?
    package var follows = false
    package var since: UInt64 = 0
    package var until: UInt64?

    /// The most lines that can be asked for as the last ones, and their bytes.
    package static let mostLines = 100_000
    package static let mostBytes = 4 << 20

    package init() {}

    /// - Throws: INVALID_ARGUMENT for what cannot be, RESOURCE_EXHAUSTED for too many lines.
    package init(_ request: V1alpha_GetLogsRequest) throws {
        guard !request.podID.isEmpty else { throw RPCError.invalid("UUID cannot be empty") }
        guard request.lines >= 0 else { throw RPCError.invalid("lines is negative") }
        guard request.sinceTime >= 0, request.untilTime >= 0 else { throw RPCError.invalid("a time is negative") }
        if request.untilTime > 0, request.sinceTime > request.untilTime {
            throw RPCError.invalid("since_time is after until_time")
        }
        guard Int(request.lines) <= LogSelection.mostLines else {
            throw RPCError(
                code: .resourceExhausted,
                message: "\(request.lines) lines are more than the \(LogSelection.mostLines) that are kept; ask for all"
            )
        }
        app = request.appName.isEmpty ? nil : request.appName
        lines = request.lines > 0 ? Int(request.lines) : nil
        follows = request.follow
        since = LogSelection.microseconds(request.sinceTime)
        until = request.untilTime > 0 ? LogSelection.microseconds(request.untilTime) : nil
    }

    private static func microseconds(_ seconds: Int64) -> UInt64 {
        let (result, overflows) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000)
        return overflows ? .max : result
    }

    /// The lines of an entry; none of one that is not wanted.
    ///
    /// - Parameter names: of the pod's apps.
    package func lines(of entry: JournalEntry, apps names: Set<String>) -> [String] {
        guard entry.realtime >= since, entry.realtime <= until ?? .max else { return [] }
        guard let message = entry.value(of: "MESSAGE"), let owner = entry.app(among: names) else { return [] }
        if let app, app != owner { return [] }
        return message.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0.prefix(LogBatch.limit), as: UTF8.self)
        }
    }
}

/// Lines on their way to a client: at most so many as one response has.
package struct LogBatch: Sendable {
    /// Bytes of one response; a longer line is cut and stands alone.
    package static let limit = 64 << 10
    package static let mostLines = 256

    private var waiting: [String] = []
    private var first = 0

    package init() {}

    package var isFull: Bool { waiting.count - first >= LogBatch.mostLines }
    package var isEmpty: Bool { first == waiting.count }

    package mutating func append(_ lines: [String]) { waiting += lines }

    /// The next response's lines.
    package mutating func take() -> [String] {
        var bytes = 0
        var end = first
        while end < waiting.count, end - first < LogBatch.mostLines {
            bytes += waiting[end].utf8.count
            if bytes > LogBatch.limit, end > first { break }
            end += 1
        }
        defer {
            first = end
            if first == waiting.count || first > 4096 {
                waiting.removeFirst(first)
                first = 0
            }
        }
        return Array(waiting[first..<end])
    }
}

/// The last lines of many.
package struct LastLines: Sendable {
    private var lines: [String] = []
    private var first = 0
    private var bytes = 0
    private let count: Int
    private let byteLimit: Int

    /// - Parameter byteLimit: of all lines together.
    package init(count: Int, byteLimit: Int = LogSelection.mostBytes) {
        self.count = count
        self.byteLimit = byteLimit
    }

    /// The oldest lines go when there are too many.
    package mutating func append(_ line: String) {
        lines.append(line)
        bytes += line.utf8.count
        while lines.count - first > count || bytes > byteLimit {
            bytes -= lines[first].utf8.count
            lines[first] = ""
            first += 1
        }
        guard first > max(1024, count) else { return }
        lines.removeFirst(first)
        first = 0
    }

    package var all: [String] { Array(lines[first...]) }
}

/// Reads a pod's journal for one client.
package final class LogReader: Sendable {
    package enum Step: Sendable, Equatable {
        /// The next response; empty when there is more to read before there is one.
        case lines([String])
        /// Nothing is there now.
        case waiting
        /// Nothing more will come.
        case ended
    }

    private struct State {
        var reader: JournalReader
        var names: Set<String>
        var batch = LogBatch()
        /// Until all is read that was there at the start.
        var last: LastLines?
    }

    /// How many entries are read at once.
    private static let stride = 4096

    private let runtime: PodRuntime
    private let uuid: PodUUID
    private let selection: LogSelection
    private let state: Mutex<State>

    /// - Throws: code `notFound` when the pod has no such app.
    package init(_ runtime: PodRuntime, _ pod: Pod, _ selection: LogSelection) throws {
        self.runtime = runtime
        self.selection = selection
        uuid = pod.uuid
        let names = LogReader.names(of: pod)
        if let app = selection.app, !names.isEmpty {
            _ = try PodRuntime.chooseApp(app, of: names, in: pod.uuid)
        }
        state = Mutex(
            State(
                reader: JournalReader(JournalDirectory(pod.layout.journal)), names: Set(names),
                last: selection.lines.map { LastLines(count: $0) }))
    }

    private static func names(of pod: Pod) -> [String] { (try? pod.manifest().apps.map(\.name.string)) ?? [] }

    /// Reads on. Not to be called on an event loop.
    package func next() throws -> Step {
        try state.withLock { state in
            if state.last == nil, !state.batch.isEmpty { return .lines(state.batch.take()) }
            // Asked before reading: when the pod has ended, everything is there.
            let pod = runtime.pods.pod(uuid)
            if let pod {
                state.reader.directory = JournalDirectory(pod.layout.journal)
                // Apps may come while a client follows; lines of those that have gone are still theirs.
                if state.names.isEmpty || FileSystem.exists(pod.layout.live) {
                    state.names.formUnion(LogReader.names(of: pod))
                }
            }
            var count = 0
            var isAtEnd = false
            while count < LogReader.stride, !(state.last == nil && state.batch.isFull) {
                guard let entry = try state.reader.next() else {
                    isAtEnd = true
                    break
                }
                count += 1
                let lines = selection.lines(of: entry, apps: state.names)
                if state.last == nil {
                    state.batch.append(lines)
                } else {
                    for line in lines { state.last?.append(line) }
                }
            }
            if isAtEnd, let last = state.last {
                state.batch.append(last.all)
                state.last = nil
            }
            if state.last != nil { return .lines([]) }
            if !state.batch.isEmpty { return .lines(state.batch.take()) }
            if !isAtEnd { return .lines([]) }
            guard selection.follows, let pod, PodRuntime.mayLog(pod.state) else { return .ended }
            if let until = selection.until, Clock.wallNanoseconds / 1000 > Int64(clamping: until) { return .ended }
            return .waiting
        }
    }
}
