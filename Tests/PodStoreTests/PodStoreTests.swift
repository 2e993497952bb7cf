// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

struct PodStoreTests {
    private let first = "0d3a1e2c-1111-4222-8333-444455556666"
    private let second = "0d3b1e2c-1111-4222-8333-444455556666"

    @Test func anAbsentDataDirectoryHoldsNoPods() throws {
        let store = PodStore(dataDirectory: "/nonexistent/rkt")
        #expect(try store.pods().isEmpty)
    }

    @Test func allPhaseDirectoriesExistAfterwards() throws {
        let scratch = try ScratchStore()
        try scratch.store.makeDirectories()
        #expect(
            try FileSystem.list(scratch.store.directory) == [
                "embryo", "exited-garbage", "garbage", "prepare", "prepared", "run",
            ])
    }

    @Test(arguments: ["0d3a", "0D3A1E2C", "0d3a1e2c-1111-4222-8333-444455556666"])
    func anUnambiguousPrefixFindsThePod(prefix: String) throws {
        let scratch = try ScratchStore()
        for text in [first, second] { try scratch.store.create(PodUUID(parsing: text)).finishPreparing() }
        #expect(try scratch.store.find(prefix).uuid.description == first)
    }

    @Test(arguments: [
        ("", "UUID cannot be empty"), ("ffff", "no matches found for \"ffff\""),
        (
            "0d3",
            "ambiguous UUID \"0d3\": it matches \"0d3a1e2c-1111-4222-8333-444455556666\", "
                + "\"0d3b1e2c-1111-4222-8333-444455556666\""
        ),
    ])
    func otherPrefixesAreRefused(prefix: String, message: String) throws {
        let scratch = try ScratchStore()
        for text in [first, second] { try scratch.store.create(PodUUID(parsing: text)).finishPreparing() }
        do {
            _ = try scratch.store.find(prefix)
            Issue.record("\"\(prefix)\" was found")
        } catch let error as RuntimeError {
            #expect(error.message == message)
        }
    }

    @Test func listingIsSortedAndSkipsWhatIsNoPod() throws {
        let scratch = try ScratchStore()
        for text in [second, first] { try scratch.store.create(PodUUID(parsing: text)).finishPreparing() }
        try FileSystem.makeDirectory(scratch.store.directory(of: .run).appending("lost+found"))
        try FileSystem.makeDirectory(scratch.store.directory(of: .run).appending(String(repeating: "a", count: 32)))
        #expect(try scratch.store.pods().map(\.uuid.description) == [first, second])
    }

    @Test func aHalfRemovedPodIsListed() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        #expect(try scratch.store.pods(in: [.run]) == [pod])
        #expect(pod.createdAt != nil)
        #expect(pod.startedAt == nil)
        #expect(throws: (any Error).self) { try pod.manifest() }
    }

    @Test func aPodInTwoPlacesIsListedOnceWhereItIsLater() throws {
        let scratch = try ScratchStore()
        let uuid = PodUUID()
        try scratch.store.makeDirectories()
        for phase in [PodPhase.run, .exitedGarbage] {
            try FileSystem.makeDirectory(scratch.store.layout(of: uuid, in: phase).directory)
        }
        #expect(try scratch.store.pods().map(\.state) == [.exitedGarbage])
    }
}
