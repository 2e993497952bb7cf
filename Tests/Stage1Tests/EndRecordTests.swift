// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Stage1
import TestSupport
import Testing

struct EndRecordTests {
    private let scratch: ScratchDirectory
    private let pod: PodLayout

    init() throws {
        scratch = try ScratchDirectory()
        pod = PodLayout(directory: scratch.path)
    }

    private func end() throws -> JSONValue { try JSONValue(parsing: FileSystem.read(pod.endRecord)) }

    @Test func aStartThatFailsLeavesItsReason() throws {
        let failure = RuntimeError(.internal, "cannot show /x", cause: RuntimeError(.notFound, "gone\u{1b}"))
        let thrown = #expect(throws: RuntimeError.self) { try EndRecord.keeping(in: pod) { throw failure } }
        #expect(thrown?.message == "cannot show /x")
        let end = try end()
        #expect(end.value(forKey: "cause")?.string == "start-failed")
        #expect(end.value(forKey: "status")?.int == 254)
        #expect(end.value(forKey: "message")?.string == "cannot show /x: gone\\x1b")
    }

    /// As for a process that has changed its root: the pod's path is some other directory, and not the pod's any more.
    @Test func theRecordIsThePodsWhateverItsPathHasBecome() throws {
        let directory = scratch.appending("pod"), moved = PodLayout(directory: scratch.appending("moved"))
        let pod = PodLayout(directory: directory)
        try FileSystem.makeDirectory(directory)
        let failure = ProgramFailure("no program", 203)
        #expect(throws: failure) {
            try EndRecord.keeping(in: pod) {
                try FileSystem.rename(directory, to: moved.directory)
                try FileSystem.makeDirectory(directory)
                throw failure
            }
        }
        let end = try JSONValue(parsing: FileSystem.read(moved.endRecord))
        #expect(end.value(forKey: "status")?.int == 203)
        #expect(try FileSystem.list(directory) == [])
        #expect(try FileSystem.list(moved.directory) == ["end.json"])
    }

    /// With the app's user it can look for nothing in the pod's directory.
    @Test func anAppThatDoesNotStartLeavesItsReasonOnce() throws {
        let directory = scratch.appending("pod"), moved = PodLayout(directory: scratch.appending("moved"))
        let pod = PodLayout(directory: directory)
        try FileSystem.makeDirectory(directory)
        let failure = ProgramFailure("no program", 203)
        #expect(throws: failure) {
            try EndRecord.keeping(in: pod) {
                try EndRecord.keepingUntilApp(in: pod) {
                    #expect(try FileSystem.read(pod.endRecord) == [])
                    try FileSystem.rename(directory, to: moved.directory)
                    try FileSystem.makeDirectory(directory)
                    try SharedDirectory.setMode(0, of: moved.directory)
                    throw failure
                }
            }
        }
        try SharedDirectory.setMode(0o755, of: moved.directory)
        let end = try JSONValue(parsing: FileSystem.read(moved.endRecord))
        #expect(end.value(forKey: "cause")?.string == "start-failed")
        #expect(end.value(forKey: "message")?.string == "no program")
        #expect(try FileSystem.list(directory) == [])
        #expect(try FileSystem.list(moved.directory) == ["end.json"])
    }

    @Test func whatTheSupervisorHasRecordedStays() throws {
        try FileSystem.write(#"{"cause":"killed"}"#.utf8, to: pod.endRecord)
        #expect(throws: RuntimeError.self) {
            try EndRecord.keeping(in: pod) { throw RuntimeError(.internal, "later") }
        }
        #expect(try end().value(forKey: "cause")?.string == "killed")
    }

    @Test func aPodThatEndsIsLeftToItsSupervisor() throws {
        #expect(try EndRecord.keeping(in: pod) { 3 } == 3)
        #expect(!FileSystem.exists(pod.endRecord))
    }

    @Test func aGuestThatCannotSetUpThePodLeavesItsConsole() async throws {
        let pod = try SupervisedPod()
        try pod.boot()
        _ = try await pod.hear(on: pod.machine.bootPort)
        try FileSystem.writeAll(Array("mount: no such device\n".utf8), to: pod.machine.console)
        try pod.say(.failed("no volumes"), on: pod.machine.bootPort)
        try pod.connectAgent()
        try pod.say(.failed("seen"))
        try await pod.awaitComplaint("seen")
        _ = try await pod.end()
        let end = try JSONValue(parsing: FileSystem.read(pod.layout.endRecord))
        #expect(end.value(forKey: "cause")?.string == "set-up-failed")
        #expect(end.value(forKey: "console")?.array?.compactMap(\.string) == ["mount: no such device"])
        // The reason is enough for the caller.
        #expect(!pod.complaints.contains("console:"))
    }

    @Test(arguments: [nil, "u:r:container_t:s0:c1,c2"])
    func aPermissionThatAContextMayLackIsExplained(label: String?) async throws {
        let pod = try SupervisedPod { $0.label = label }
        try pod.boot()
        _ = try await pod.hear(on: pod.machine.bootPort)
        try pod.say(.failed("mount: Permission denied"), on: pod.machine.bootPort)
        try pod.connectAgent()
        try pod.say(.failed("seen"))
        try await pod.awaitComplaint("seen")
        _ = try await pod.end()
        #expect(pod.complaints.contains("mount: Permission denied"))
        #expect(pod.complaints.contains("\"u:r:container_t:s0:c1,c2\"") == (label != nil))
    }

    /// As `virsh shutdown` does it, more often than once.
    @Test func whoAsksTheMachineToEndStopsThePodInOrder() async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        for _ in 0..<3 { try pod.machine.requestStop() }
        while true { if case .stop = try await pod.hear() { break } }
        pod.machine.powerOff()
        #expect(try await pod.end().status == 0)
        let end = try JSONValue(parsing: FileSystem.read(pod.layout.endRecord))
        #expect(end.value(forKey: "cause")?.string == "completed")
    }

    /// With 11 frames the line before the panic is the first that would be cut.
    @Test(arguments: [11, 12, 40]) func theReasonOfAPanicIsKeptHoweverLongItsTrace(frames: Int) async throws {
        let pod = try SupervisedPod()
        let trace = (1...frames).map { " frame \($0)\n" }.joined()
        let text = "early\nrkt-guest: no program\n[2.5] Kernel panic - not syncing: no init\n" + trace
        try FileSystem.writeAll(Array(text.utf8), to: pod.machine.console)
        try pod.machine.panic()
        _ = try await pod.end()
        let end = try JSONValue(parsing: FileSystem.read(pod.layout.endRecord))
        let console = end.value(forKey: "console")?.array?.compactMap(\.string) ?? []
        #expect(console.prefix(2) == ["rkt-guest: no program", "[2.5] Kernel panic - not syncing: no init"])
        #expect(console.count == 12)
        #expect(console.last == " frame \(frames)")
    }
}
