// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import GuestProtocol
import LinuxPlatform

/// Apps of a mutable pod: clients ask for changes, the guest makes them, and the supervisor says in which order.
///
/// It plans nothing. For each app one thing is done at a time.
extension Supervisor {
    // MARK: - Clients

    /// - Returns: whether the message was one that changes apps.
    func handleChange(_ message: HostMessage, of client: SupervisorClient) throws -> Bool {
        let work: AppRequest.Work
        let name: String
        switch message {
        case .appPart(_, let bytes):
            try requireNothingElse(client)
            client.isChanging = true
            try client.parts.append(bytes)
            return true
        case .addApp:
            let bytes = client.parts.bytes
            let app = try LiveApp(decoding: bytes)
            (work, name) = (.add(app, encoded: bytes), app.app.name)
        case .startApp(_, let app, _): (work, name) = (.start, app)
        case .stopApp(_, let app, _): (work, name) = (.stop, app)
        case .removeApp(_, let app): (work, name) = (.remove, app)
        default:
            guard !client.isChanging else { throw ProtocolError.unexpected("something else after a change") }
            return false
        }
        try requireNothingElse(client)
        client.isChanging = true
        client.hasAsked = true
        client.parts = LiveAppParts()
        guard configuration.isMutable else {
            client.fail("the pod is immutable; use \"rkt app sandbox\"")
            return true
        }
        _ = try ACName(parsing: name)
        let isCrowded = live.requests.count >= LiveAppTable.most
        if let reason = refusal ?? (isCrowded ? "too many changes of the pod wait; try again later" : nil) {
            client.fail(reason)
            return true
        }
        live.requests.append(AppRequest(work, app: name, client: client))
        advanceAppRequests()
        return true
    }

    private func requireNothingElse(_ client: SupervisorClient) throws {
        guard client.session == nil, client.waiting == nil, client.awaited == nil, client.attachment == nil,
            !client.hasAsked
        else { throw ProtocolError.unexpected("a second request") }
    }

    /// Why nothing can be changed any more.
    private var refusal: String? {
        if agentIsLost { return "the guest's agent cannot be reached" }
        switch phase {
        case .booting, .running: return nil
        case .stopping, .ending: return "the pod is being stopped"
        }
    }

    // MARK: - Order

    /// Does what can be done now.
    func advanceAppRequests() {
        guard agentIsConnected else { return }
        var changes = true
        while changes {
            changes = false
            var held: Set<String> = []
            for request in live.requests {
                let mayAsk = !held.contains(request.app) && !live.isFull
                if request.holdsApp { held.insert(request.app) }
                // What has been answered is gone from the list: look at it anew.
                if mayAsk, request.step == .waiting, advance(request) {
                    changes = true
                    break
                }
            }
        }
    }

    /// - Returns: whether anything has been done.
    private func advance(_ request: AppRequest) -> Bool {
        let phase = live.states[request.app]?.phase
        switch request.work {
        case .add(let app, let encoded):
            guard phase == nil else {
                fail(request, "the pod has an app \"\(request.app)\" already")
                return true
            }
            live.states[request.app] = LiveAppState(app: app.app)
            ask(request) { LiveApp.messages(encoded, request: $0) }
        case .start:
            switch phase {
            case nil: fail(request, "nonexistent app \"\(request.app)\"")
            case .active: finish(request)
            case .idle, .ended:
                // It may have waited until now.
                if let refusal { fail(request, refusal) } else { start(request) }
            case .adding, .ending: return false
            }
        case .stop:
            switch phase {
            case nil: fail(request, "nonexistent app \"\(request.app)\"")
            case .active: stopApp(of: request)
            case .idle, .ending, .ended: finish(request)
            case .adding: return false
            }
        case .remove:
            switch phase {
            case .active:
                guard !request.hasStopped else { return false }
                request.hasStopped = true
                stopApp(of: request)
            case .adding, .ending: return false
            // What was left half done is the guest's to know.
            case nil, .idle, .ended: ask(request) { [.removeApp(request: $0, app: request.app)] }
            }
        }
        return true
    }

    private func ask(_ request: AppRequest, _ messages: (UInt32) -> [HostMessage]) {
        let number = live.takeNumber()
        request.step = .asked(number)
        for message in messages(number) { sendToAgent(message) }
    }

    private func start(_ request: AppRequest) {
        guard var state = live.states[request.app] else { return }
        state.run &+= 1
        state.hasStarted = false
        state.phase = .active
        live.states[request.app] = state
        exitReports[request.app] = nil
        do {
            // Nothing is left of the last run, as this one may fail to start.
            for file in [pod.appStarted(request.app), pod.status(request.app), pod.exitCause(request.app)]
            where FileSystem.exists(file) { try FileSystem.remove(file) }
            let text = state.app.environment.map { $0 + "\0" }.joined()
            try FileSystem.write(text.utf8, to: pod.environment(request.app), mode: 0o600)
        } catch {
            live.states[request.app]?.phase = .idle
            return fail(request, "\(error)")
        }
        ask(request) { [.startApp(request: $0, app: request.app, run: state.run)] }
        // Streams begin anew, and the app's launcher waits for them.
        forgetStreams(of: request.app)
        openStreams(of: state.app)
    }

    private func stopApp(of request: AppRequest) {
        let run = live.states[request.app]?.run ?? 0
        ask(request) { [.stopApp(request: $0, app: request.app, run: run)] }
    }

    // MARK: - Answers

    private func finish(_ request: AppRequest) {
        live.requests.removeAll { $0 === request }
        request.client?.finish()
        flush(request.client)
    }

    private func fail(_ request: AppRequest, _ reason: String) {
        live.requests.removeAll { $0 === request }
        request.client?.fail(reason)
        flush(request.client)
    }

    private func flush(_ client: SupervisorClient?) {
        // One that has gone is noticed when its socket is looked at next.
        if let client { _ = client.outbox.flush(to: client.socket) }
    }

    /// Has an app that nobody waits for any more removed, before anything else is done to it.
    private func takeBack(_ addition: AppRequest) {
        guard let index = live.requests.firstIndex(where: { $0 === addition }) else { return }
        live.requests[index] = AppRequest(.remove, app: addition.app, client: nil)
    }

    /// The agent has done what it was asked.
    func finishRequest(_ number: UInt32) throws {
        guard let request = live.request(number) else { throw ProtocolError.unexpected("an answer to nothing") }
        let phase = live.states[request.app]?.phase
        switch request.work {
        case .add(let app, _):
            live.states[request.app]?.phase = .idle
            apps.insert(request.app)
            if app.app.marksErrors { logs.begin(request.app) }
            // Whoever wanted it has been told that it failed, or has gone, and knows nothing of it.
            if request.client == nil { takeBack(request) } else { finish(request) }
        case .start:
            request.step = .begun
            if live.states[request.app]?.hasStarted ?? true || phase != .active { finish(request) }
        case .stop:
            request.step = .begun
            if phase != .active { finish(request) }
        case .remove where request.hasStopped && phase == .active: request.step = .begun
        case .remove where request.hasStopped:
            // From here on it is an app that does not run.
            request.hasStopped = false
            request.step = .waiting
        case .remove:
            live.states[request.app] = nil
            exitReports[request.app] = nil
            logs.end(request.app)
            forgetStreams(of: request.app)
            for client in clients where client.awaited?.app == request.app {
                client.fail(Self.reasonWithoutApp(request.app))
            }
            finish(request)
        }
        advanceAppRequests()
    }

    func failRequest(_ number: UInt32, _ reason: String) throws {
        guard let request = live.request(number) else { throw ProtocolError.unexpected("an answer to nothing") }
        switch request.work {
        case .add: live.states[request.app] = nil
        case .start:
            // One that has started all the same is told of by the guest.
            if live.states[request.app]?.phase == .active, live.states[request.app]?.hasStarted == false {
                live.states[request.app]?.phase = .idle
            }
        case .stop, .remove: break
        }
        fail(request, Self.printable(reason))
        advanceAppRequests()
    }

    // MARK: - What apps do

    /// The guest executes an app's program.
    func recordStart(_ app: String, run: UInt32) throws {
        guard let state = live.states[app], run > 0, state.run == run, !state.hasStarted,
            state.phase == .active || state.phase == .idle
        else { throw ProtocolError.unexpected("the start of an app that was not asked for") }
        live.states[app]?.hasStarted = true
        live.states[app]?.phase = .active
        do {
            try FileSystem.writeAtomically([UInt8](), to: pod.appStarted(app))
        } catch {
            errors.notice("stage1: cannot record the start of app \(app): \(error)")
        }
        finishBegun(app) { if case .start = $0 { true } else { false } }
        advanceAppRequests()
    }

    /// Whether the end of this run may be told now.
    func mayEnd(_ app: String, run: UInt32) -> Bool {
        guard configuration.isMutable else { return run == 0 && configuration.apps.contains { $0.name == app } }
        guard let state = live.states[app], run > 0, state.run == run else { return false }
        return state.phase != .adding
    }

    /// The end of an app of a mutable pod has been told so often.
    func noteEnd(_ app: String, reports: Int) {
        guard configuration.isMutable else { return }
        live.states[app]?.phase = reports > 1 ? .ended : .ending
        if reports > 1 {
            // All of its output came before this; an app that could not be started has none.
            closeStreams(of: app)
            serveAwaitingClients()
        }
        finishBegun(app) { work in
            switch work {
            case .start, .stop: true
            case .add, .remove: false
            }
        }
        for request in live.requests where request.app == app && request.step == .begun {
            // One that is to be removed.
            request.hasStopped = false
            request.step = .waiting
        }
        advanceAppRequests()
    }

    private func finishBegun(_ app: String, _ isMeant: (AppRequest.Work) -> Bool) {
        for request in live.requests where request.app == app && request.step == .begun && isMeant(request.work) {
            finish(request)
        }
    }

    // MARK: - Deadlines

    /// When the next client is told that the guest does not answer.
    var appDeadline: Int? { live.requests.filter { $0.client != nil }.map(\.deadline).min() }

    /// Lets nobody wait for a guest that does not answer. What the guest was asked stays noted: it may answer yet.
    func checkAppDeadlines() {
        let now = Clock.milliseconds
        let late = live.requests.filter { now >= $0.deadline }
        for request in late {
            guard request.client != nil || request.step == .begun || request.step == .waiting else { continue }
            let reason = "the pod's guest does not answer"
            guard case .asked = request.step else {
                let isHeldUp = request.step == .waiting && live.isFull
                fail(
                    request,
                    isHeldUp
                        ? "\(reason): it has left \(live.asked) changes undone, and is asked for no more; stop the pod and "
                            + "run it anew" : reason)
                continue
            }
            request.client?.fail(reason)
            flush(request.client)
            request.client = nil
        }
        // What has waited for them need not any more.
        if !late.isEmpty { advanceAppRequests() }
    }

    /// Nothing will be answered any more.
    func failAppRequests(_ reason: String) {
        for request in live.requests { fail(request, reason) }
    }
}
