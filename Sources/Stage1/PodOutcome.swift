// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform

/// What the supervisor knows of a pod's end, and the status that follows from it.
package struct PodOutcome: Equatable, Sendable {
    /// What ended the machine, other than its own orderly power-off.
    package enum Failure: Equatable, Sendable {
        case hypervisorDied(ProcessExit)
        case shareServerDied(ProcessExit)
        case guestPanicked
        /// The guest asked for a reboot, or its processor gave up (a triple fault).
        case guestReset
        case bootTimedOut
        /// The guest said that it cannot become this pod.
        case setUpFailed(String)
        /// The caller asked twice, or an orderly stop took too long.
        case killed
        /// The caller typed the escape sequence.
        case escaped
    }

    package var failure: Failure?
    /// The status of the app that failed first.
    package var firstFailure: Int32?
    /// Apps without a recorded status.
    package var unfinished: [String]
    /// Whether the pod was asked to stop before its apps had been started: those never started report nothing.
    package var wasStoppedEarly: Bool
    /// Whether the host's kernel has killed processes of the pod's control group for lack of memory.
    package var lackedMemory = false

    package init(
        failure: Failure? = nil, firstFailure: Int32? = nil, unfinished: [String] = [], wasStoppedEarly: Bool = false
    ) {
        self.failure = failure
        self.firstFailure = firstFailure
        self.unfinished = unfinished
        self.wasStoppedEarly = wasStoppedEarly
    }

    package var status: Int32 {
        switch failure {
        case .guestPanicked, .guestReset: return ExitStatus.guestPanicked
        case .hypervisorDied, .shareServerDied: return ExitStatus.hypervisorDied
        case .bootTimedOut: return ExitStatus.bootTimedOut
        case .setUpFailed: return ExitStatus.error
        case .killed: return 128 + 9
        case .escaped: return ExitStatus.success
        case nil: break
        }
        if let firstFailure { return firstFailure }
        return unfinished.isEmpty || wasStoppedEarly ? ExitStatus.success : ExitStatus.error
    }

    /// One word for what ended the pod.
    package var cause: String {
        switch failure {
        case .guestPanicked: return "guest-panicked"
        case .guestReset: return "guest-reset"
        case .hypervisorDied: return "hypervisor-died"
        case .shareServerDied: return "share-server-died"
        case .bootTimedOut: return "boot-timed-out"
        case .setUpFailed: return "set-up-failed"
        case .killed: return "killed"
        case .escaped: return "escaped"
        case nil: break
        }
        if firstFailure != nil { return "app-failed" }
        return unfinished.isEmpty || wasStoppedEarly ? "completed" : "apps-unreported"
    }

    /// What may explain that a process of the pod was killed.
    private var lack: String {
        lackedMemory ? "; its unit has too little memory: raise its MemoryMax=, or lower the apps' --memory" : ""
    }

    /// One line for standard error, nil when there is nothing to explain.
    package var message: String? {
        switch failure {
        case .guestPanicked: return "the guest's kernel panicked"
        case .guestReset: return "the guest reset itself instead of powering off"
        case .hypervisorDied(let exit): return "the hypervisor ended before the guest did: \(exit)\(lack)"
        case .shareServerDied(let exit):
            return "the server of the pod's files ended before the guest did: \(exit)\(lack)"
        case .bootTimedOut: return "the guest did not report in time"
        case .setUpFailed(let reason): return "the guest could not set up the pod: \(reason)"
        case .killed: return "the pod was killed"
        case .escaped: return nil
        case nil: break
        }
        guard firstFailure == nil, !wasStoppedEarly, !unfinished.isEmpty else { return nil }
        return "the guest powered off before these apps reported their end: \(unfinished.joined(separator: ", "))"
    }
}
