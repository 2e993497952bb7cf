// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

/// Ports by which one byte speaks to the hypervisor unless it is written twice.
@Suite(.timeLimit(.minutes(5)))
struct PortEscapeTests {
    private static let escape: UInt8 = 1

    private static func doubled(_ message: HostMessage) -> [UInt8] {
        message.frame.encoded.flatMap { $0 == escape ? [$0, $0] : [$0] }
    }

    @Test func bothPortsDoubleTheByteAndNoOther() async throws {
        let pod = try SupervisedPod(portEscape: Self.escape)
        try pod.boot()
        let configuration = HostMessage.pod(
            PodConfiguration(
                hostname: "pod", machineID: SupervisedPod.machineID,
                apps: [PodConfiguration.App(name: "web", root: "/", exec: ["/bin/true"])]))
        #expect(configuration.frame.encoded.contains(Self.escape))
        let first = Self.doubled(configuration)
        #expect(try await pod.received(on: pod.machine.bootPort, atLeast: first.count) == first)

        try pod.connectAgent()
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        let second = Self.doubled(.exitRecorded(app: "web"))
        #expect(try await pod.received(on: pod.machine.agentPort, atLeast: second.count) == second)
        pod.machine.powerOff()
        #expect(try await pod.thread.value().status == 0)
    }
}
