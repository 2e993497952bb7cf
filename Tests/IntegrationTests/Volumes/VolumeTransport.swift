// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// How host volumes get into a machine: the values of `volumes` in a configuration file of the kind `hypervisor`.
enum VolumeTransport: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case plan9 = "9p"
    case virtiofs
    /// No transport: the kernel is the host's.
    case mount

    static var allCases: [VolumeTransport] {
        if TestedStage1.has(.hostKernel) { return [.mount] }
        return TestedStage1.has(.plan9) ? [.plan9, .virtiofs] : [.virtiofs]
    }

    var testDescription: String { rawValue }

    func configure(_ fixture: PodFixture) throws {
        guard self != .mount else { return }
        try fixture.configure("hypervisor", #""volumes":"\#(rawValue)""#)
    }

    /// Milliseconds after which the guest sees what the host has done.
    private var delay: Int { self == .virtiofs ? 1000 : 0 }

    /// Expects that a script in the pod says what the host has just made true: a run that starts after the delay must.
    func expect(
        _ script: String, _ text: String, in pod: RunningPod, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let deadline = Clock.milliseconds + delay
        while true {
            let isLast = Clock.milliseconds >= deadline
            let answer = try await pod.shell(script, app: "a")
            if answer == text { return }
            guard isLast else { continue }
            return #expect(answer == text)
        }
    }
}
