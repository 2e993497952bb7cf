// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform

/// Something that a client wants to be done to one app of a mutable pod.
final class AppRequest {
    enum Work {
        /// With the bytes as they came.
        case add(LiveApp, encoded: [UInt8])
        case start, stop, remove

        /// Milliseconds until the client is told that the guest does not answer; clients wait for a minute.
        var patience: Int {
            switch self {
            case .add, .start: 45_000
            case .stop: 50_000
            case .remove: 55_000
            }
        }
    }

    enum Step: Equatable {
        /// For what has been asked before, or for the app's end.
        case waiting
        /// The guest has been asked under that number.
        case asked(UInt32)
        /// The guest does it; the app's own word is awaited.
        case begun
    }

    let app: String
    let work: Work
    let deadline: Int
    var step = Step.waiting
    /// Whether the app that is to be removed has been told to stop.
    var hasStopped = false
    /// Nil once it has been answered, or has gone, and for what the supervisor wants by itself.
    weak var client: SupervisorClient?

    init(_ work: Work, app: String, client: SupervisorClient?) {
        self.work = work
        self.app = app
        self.client = client
        deadline = Clock.milliseconds + work.patience
    }

    /// Whether what is asked for later has to wait for this.
    var holdsApp: Bool {
        if case .start = work { return step != .begun }
        return true
    }
}

/// What is known of one app of a mutable pod.
struct LiveAppState {
    enum Phase: Equatable {
        /// The guest makes its root.
        case adding
        /// It has not been started, or could not be.
        case idle
        /// It has been told to start, and has not ended.
        case active
        /// Its status is on disk, and not yet all of its lines.
        case ending
        case ended
    }

    let app: PodConfiguration.App
    var phase = Phase.adding
    /// Counts starts.
    var run: UInt32 = 0
    /// Whether the guest has said that this run has started.
    var hasStarted = false
}

/// The apps of a mutable pod, and what is being done to them.
struct LiveAppTable {
    /// Requests that the guest is asked at a time.
    static let mostAsked = 8
    /// Requests that are kept, those of clients that have gone with them.
    static let most = 256

    var states: [String: LiveAppState] = [:]
    /// In the order in which they came.
    var requests: [AppRequest] = []
    private var lastNumber: UInt32 = 0

    /// A number for a request to the guest.
    mutating func takeNumber() -> UInt32 {
        lastNumber &+= 1
        return lastNumber
    }

    /// Whether the guest has left so many requests unanswered that it is asked for nothing more.
    var isFull: Bool { asked >= Self.mostAsked }

    var asked: Int { requests.count { if case .asked = $0.step { true } else { false } } }

    func request(_ number: UInt32) -> AppRequest? { requests.first { $0.step == .asked(number) } }
}
