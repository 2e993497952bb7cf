// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What machine a pod would get, with a stage1 image whose entrypoints are shell scripts.
@Suite(.enabled(if: geteuid() == 0, "mounts overlays"))
struct PodPreviewTests {
    private func expectNothingMounted(_ host: FakeHost) throws {
        #expect(try Mount.points(beneath: host.data).isEmpty)
        #expect(!FileSystem.exists(host.data.appending("run.observed")))
        #expect(!FileSystem.exists(host.saved))
    }

    @Test func aPodIsMadeForItAndTakenAway() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, plan: #"{"memoryMiB":512}"#)
        defer { host.cleanUp(scratch) }
        let preview = try host.runtime.preview(host.request, host.runOptions)
        #expect(preview.value(forKey: "memoryMiB")?.int == 512)
        let observed = try host.observed("plan.observed")
        #expect(observed["args"]?.contains("--hostname=box") == true)
        #expect(observed["greeting"] == "hello from the image")
        #expect(try host.runtime.list().isEmpty)
        try expectNothingMounted(host)
    }

    @Test func aPreparedPodStaysPrepared() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, plan: #"{"memoryMiB":512}"#)
        defer { host.cleanUp(scratch) }
        let uuid = try host.runtime.prepare(host.request)
        let preview = try host.runtime.previewPrepared(uuid.description, host.runOptions)
        #expect(preview.value(forKey: "memoryMiB")?.int == 512)
        #expect(try host.runtime.list().map(\.state) == [.prepared])
        try expectNothingMounted(host)
        #expect(try host.runtime.remove(uuid.description) == uuid)
    }

    @Test(arguments: [nil, "no JSON"])
    func anAnswerThatCannotBeReadLeavesNothing(plan: String?) throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, plan: plan)
        defer { host.cleanUp(scratch) }
        let error = #expect(throws: RuntimeError.self) { try host.runtime.preview(host.request, host.runOptions) }
        #expect(error?.message.contains(plan == nil ? "cannot tell what machine" : "cannot read what") == true)
        #expect(try host.runtime.list().isEmpty)
        try expectNothingMounted(host)
    }
}
