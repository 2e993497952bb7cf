// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// What the agent knows of a mutable pod's apps, and the children that change them: none of it holds up the agent.
final class LiveApps {
    private enum Limit {
        /// Requests under way; the supervisor keeps to it, too.
        static let requests = 8
        /// Milliseconds for a child.
        static let patience = 30_000
        /// Bytes of the reason that a child gives.
        static let reason = 4096
    }

    private enum Work: String {
        case add = "add-app"
        case start = "start-app"
        case stop = "stop-app"
        case remove = "remove-app"
    }

    /// `rkt-guest add-app` and its like.
    private struct Child {
        let request: UInt32
        let app: String
        let work: Work
        let process: ChildProcess
        /// Where it says why it fails.
        let errors: FileDescriptor
        let deadline: Int
        var isLate = false
    }

    private(set) var names: Set<String> = []
    private var runs: [String: UInt32] = [:]
    /// Apps whose end has been asked for.
    private var stopping: Set<String> = []
    private var parts: [UInt32: LiveAppParts] = [:]
    private var children: [Child] = []

    /// Nil in an immutable pod.
    init?() {
        guard FileSystem.exists(GuestLayout.mutablePod) else { return nil }
    }

    /// The host's count of starts at the app's last one, nil for an app that was never started.
    func run(of app: String) -> UInt32? { runs[app] }

    /// Why an app has ended, which its own end does not always tell.
    func cause(of app: String, _ cause: GuestMessage.ExitCause) -> GuestMessage.ExitCause {
        stopping.contains(app) ? .stopped : cause
    }

    // MARK: - Requests

    /// Begins what is asked for.
    ///
    /// - Returns: the answer, where there is one already.
    func handle(_ message: HostMessage) throws -> GuestMessage? {
        switch message {
        case .appPart(let request, let bytes):
            guard parts[request] != nil || parts.count < Limit.requests else {
                throw ProtocolError.unexpected("parts of too many apps")
            }
            try parts[request, default: LiveAppParts()].append(bytes)
            return nil
        case .addApp(let request):
            let bytes = parts.removeValue(forKey: request)?.bytes ?? []
            return begin(.add, request, try LiveApp(decoding: bytes).app.name, input: bytes)
        case .startApp(let request, let app, let run):
            runs[app] = run
            stopping.remove(app)
            return begin(.start, request, app)
        case .stopApp(let request, let app, _):
            let answer = begin(.stop, request, app)
            if answer == nil { stopping.insert(app) }
            return answer
        case .removeApp(let request, let app): return begin(.remove, request, app)
        default: throw ProtocolError.unexpected("a message that changes no app")
        }
    }

    private func begin(_ work: Work, _ request: UInt32, _ app: String, input: [UInt8] = []) -> GuestMessage? {
        guard children.count < Limit.requests else {
            return .requestFailed(request: request, "the pod's guest does \(Limit.requests) things already")
        }
        do {
            children.append(try spawn(work, request, app, input))
            return nil
        } catch {
            return .requestFailed(request: request, "\(error)")
        }
    }

    private func spawn(_ work: Work, _ request: UInt32, _ app: String, _ input: [UInt8]) throws -> Child {
        let source = try FileSystem.openAnonymous(in: GuestLayout.state)
        defer { try? source.close() }
        try FileSystem.writeAll(input, to: source)
        try source.seek(offset: 0, from: .start)
        // What a child inherits is told by its request.
        let (reading, writing) = try FileDescriptor.pipe()
        defer { try? writing.close() }
        do {
            try UnixSocket.setNonBlocking(reading)
            let process = try ChildProcess.spawn(
                SpawnRequest(
                    path: GuestLayout.program, arguments: ["rkt-guest", work.rawValue, app],
                    environment: ["PATH=\(ExecutableSearch.defaultPath)"],
                    descriptors: [source.rawValue, writing.rawValue, writing.rawValue]))
            return Child(
                request: request, app: app, work: work, process: process, errors: reading,
                deadline: Clock.milliseconds + Limit.patience)
        } catch {
            try? reading.close()
            throw error
        }
    }

    // MARK: - Children

    /// What becomes readable when a child has ended.
    var descriptors: [FileDescriptor] { children.map(\.process.pidfd) }

    /// Milliseconds until the next child is too late.
    var timeout: Int? {
        children.filter { !$0.isLate }.map(\.deadline).min().map { max(0, $0 - Clock.milliseconds) }
    }

    /// Ends children that are too late, and tells of those that have ended.
    func answers() -> [GuestMessage] {
        var answers: [GuestMessage] = []
        for index in children.indices.reversed() {
            if !children[index].isLate, Clock.milliseconds >= children[index].deadline {
                children[index].isLate = true
                try? children[index].process.signal(SIGKILL)
            }
            guard let exit = try? children[index].process.poll() else { continue }
            answers.append(answer(of: children.remove(at: index), exit))
        }
        return answers
    }

    private func answer(of child: Child, _ exit: ProcessExit) -> GuestMessage {
        defer {
            try? child.errors.close()
            child.process.close()
        }
        guard exit == .exited(0) else {
            // What ends later ends by itself; where only the waiting was too long, systemd goes on stopping it.
            if child.work == .stop, !child.isLate { stopping.remove(child.app) }
            let reason =
                child.isLate ? "it did not end within \(Limit.patience / 1000) seconds" : reason(of: child, exit)
            return .requestFailed(request: child.request, reason)
        }
        switch child.work {
        case .add: names.insert(child.app)
        case .remove:
            names.remove(child.app)
            runs[child.app] = nil
            stopping.remove(child.app)
        case .start, .stop: break
        }
        return .requestDone(request: child.request)
    }

    private func reason(of child: Child, _ exit: ProcessExit) -> String {
        var buffer = [UInt8](repeating: 0, count: Limit.reason)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = buffer.withUnsafeMutableBytes { read(child.errors.rawValue, $0.baseAddress, $0.count) }
        var text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        if text.hasPrefix("rkt-guest: ") { text.removeFirst(11) }
        if text.hasSuffix("\n") { text.removeLast() }
        return text.isEmpty ? "\(child.work.rawValue) ended with \(exit)" : text
    }
}
