// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What a pod's end means for the kernel that it ran on.
struct KernelTrialTests {
    private let scratch: ScratchDirectory
    private let runtime: PodRuntime

    init() throws {
        scratch = try ScratchDirectory()
        runtime = PodRuntime(Settings(dataDirectory: scratch.path))
    }

    @Test(arguments: [(Int32(0), Int32(254)), (3, 3)])
    func aPodThatTookTooLongHasFailed(status: Int32, expected: Int32) {
        var trial = KernelTrial(kernel: "k", status: status, cause: "refused", milliseconds: 1, output: ["last"])
        trial.timeOut(after: 2000)
        #expect(trial.status == expected)
        #expect(trial.cause == "timed-out")
        #expect(trial.message == "the pod was stopped after 2 seconds")
        #expect(trial.explanation == ["last"])
    }

    /// Whatever is in the pod's directory.
    @Test(arguments: [nil, "{"]) func aPodIsRemovedWithItsTrial(manifest: String?) async throws {
        for isLate in [false, true] {
            let handle = try runtime.pods.create()
            let uuid = handle.uuid
            if let manifest { try FileSystem.write(manifest.utf8, to: handle.layout.manifest) }
            let pod = try handle.run()
            try FileSystem.write(
                #"{"cause":"guest-panicked","message":"m","console":["c"]}"#.utf8, to: pod.layout.endRecord)
            pod.release()
            // Another process that is started meanwhile has the lock for a moment.
            try await eventually("the pod's end") { runtime.pods.pod(uuid)?.state == .exited }
            var trial = KernelTrial(kernel: "k", status: 0, cause: "refused", milliseconds: 1)
            if isLate { trial.timeOut(after: 1000) }
            runtime.conclude(&trial, of: uuid)
            #expect(trial.cause == (isLate ? "timed-out" : "guest-panicked"))
            #expect(trial.message == (isLate ? "the pod was stopped after 1 seconds" : "m"))
            #expect(trial.console == ["c"])
            #expect(runtime.pods.pod(uuid) == nil)
        }
    }

    @Test func aRunWithoutAPodStaysAsItIs() throws {
        var trial = KernelTrial(kernel: "k", status: 254, cause: "refused", milliseconds: 1)
        let before = trial
        runtime.conclude(&trial, of: try PodUUID(parsing: "6733c088-a507-4694-aabf-eda1cf9aee7c"))
        #expect(trial == before)
    }
}
