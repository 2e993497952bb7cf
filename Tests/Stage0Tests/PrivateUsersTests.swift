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

/// Users of pods' own, with a stage1 image that does nothing with them.
@Suite(.enabled(if: geteuid() == 0, "mounts overlays"))
struct PrivateUsersTests {
    private func prepare(_ host: FakeHost) throws -> PodLayout {
        var request = host.request
        request.privateUsers = true
        return try PodStore(dataDirectory: host.data).layout(of: host.runtime.prepare(request), in: .prepared)
    }

    @Test func preparedPodsHaveIdsOfTheirOwnUntilTheyAreRemoved() throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, users: true)
        defer { host.cleanUp(scratch) }
        let pods = try [prepare(host), prepare(host)]
        let users = try pods.map { try #require(try $0.readUsers()) }
        #expect(!users[0].ids.overlaps(users[1].ids))
        #expect(users.allSatisfy { $0.count == 65536 && $0.first >= 524_288 })
        for pod in pods { _ = try host.runtime.remove(pod.directory.lastComponent?.string ?? "") }
        #expect(try PodStore(dataDirectory: host.data).usersOfPods() == [])
    }

    @Test(.timeLimit(.minutes(5)), arguments: [false, true])
    func stage1FindsFilesWithThePodsOwners(copies: Bool) async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, users: true)
        defer { host.cleanUp(scratch) }
        await #expect(processExitsWith: .exitCode(7)) {
            [path = scratch.path.string as String, copies = copies as Bool] in
            let host = FakeHost(path)
            var request = host.request
            request.privateUsers = true
            request.storage = copies ? .copies : .overlay
            try host.runtime.run(request, host.runOptions)
        }
        let observed = try host.observed("run.observed")
        let uuid = try FileSystem.readText(host.saved)
        let layout = try PodStore(dataDirectory: host.data).find(uuid).layout
        let users = try #require(try layout.readUsers())
        let arguments = observed["args"] ?? ""
        #expect(arguments.split(separator: " ").contains("--private-users=\(users)"))
        #expect(observed["greeting"] == "hello from the image")
        #expect(observed["owner"] == "\(users.first):\(users.first) \(users.first):\(users.first) ")
        // On the disk they are what the image says.
        for point in try Mount.points(beneath: layout.directory) { try Mount.unmount(point) }
        let root = copies ? layout.appRootfs("hello") : layout.appOverlay("hello").upper
        #expect(try FileSystem.status(root).uid == 0)
        #expect(try FileSystem.status(root.appending("greeting")).uid == 0)
        _ = try host.runtime.remove(uuid)
        #expect(try host.runtime.list().isEmpty)
    }

    /// Directories above the app's root are the host's, and the pod has to pass through them.
    @Test(.timeLimit(.minutes(5))) func theAppsRootIsReachedWhateverTheUmask() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, users: true)
        defer { host.cleanUp(scratch) }
        await #expect(processExitsWith: .exitCode(7)) { [path = scratch.path.string as String] in
            umask(0o077)
            let host = FakeHost(path)
            var request = host.request
            request.privateUsers = true
            request.storage = .overlay
            try host.runtime.run(request, host.runOptions)
        }
        #expect(try host.observed("run.observed")["above"] == "755")
    }

    /// Its processes may still be there, and nobody else is to be who they are.
    @Test(.timeLimit(.minutes(5))) func aPodThatSomethingIsLeftOfKeepsItsIds() async throws {
        let scratch = try ScratchDirectory()
        let host = try FakeHost(in: scratch, users: true)
        defer { host.cleanUp(scratch) }
        await #expect(processExitsWith: .exitCode(7)) { [path = scratch.path.string as String] in
            let host = FakeHost(path)
            var request = host.request
            request.privateUsers = true
            try host.runtime.run(request, host.runOptions)
        }
        let uuid = try FileSystem.readText(host.saved)
        let pods = PodStore(dataDirectory: host.data)
        let users = try #require(try pods.find(uuid).layout.readUsers())
        try FileSystem.write([], to: pods.find(uuid).layout.directory.appending("gc-fails"))
        let error = #expect(throws: RuntimeError.self) { try host.runtime.remove(uuid) }
        #expect(error?.message.contains("exited-garbage/\(uuid)/users") == true, "\(error?.message ?? "")")
        #expect(try pods.usersOfPods() == [users])
        try FileSystem.remove(pods.find(uuid).layout.directory.appending("gc-fails"))
        _ = try host.runtime.remove(uuid)
        #expect(try host.runtime.list().isEmpty)
    }
}
