// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

struct JournalPlaceTests {
    private static let machineID = "0123456789abcdef0123456789abcdef"

    @Test func `the pod's journal is found below stage1's root`() throws {
        let scratch = try ScratchDirectory()
        let pod = PodLayout(directory: scratch.appending("pod"))
        try FileSystem.makeDirectories(pod.stage1Rootfs)
        try FileSystem.makeDirectories(pod.journal)
        try FileSystem.write("entries".utf8, to: pod.journal.appending("system-1.journal"))
        // A pod may be started again.
        for _ in 0..<2 { try JournalPlace.make(in: pod, machineID: Self.machineID) }
        let place: FilePath = "var/log/journal"
        let file = pod.stage1Rootfs.pushing(place).appending(Self.machineID).appending("system-1.journal")
        #expect(try FileSystem.readText(file) == "entries")
        // It still leads there when the pod has moved.
        let moved = scratch.appending("moved")
        try FileSystem.rename(pod.directory, to: moved)
        let there = PodLayout(directory: moved).stage1Rootfs.pushing(place).appending(Self.machineID)
        #expect(try FileSystem.list(there) == ["system-1.journal"])
    }

    @Test func `nothing is made where an image's links lead`() throws {
        let scratch = try ScratchDirectory()
        let pod = PodLayout(directory: scratch.appending("pod"))
        let outside = scratch.appending("outside")
        for directory in [pod.stage1Rootfs, outside] { try FileSystem.makeDirectories(directory) }
        try FileSystem.makeSymbolicLink(to: outside.string, at: pod.stage1Rootfs.appending("var"))
        #expect(throws: (any Error).self) { try JournalPlace.make(in: pod, machineID: Self.machineID) }
        #expect(try FileSystem.list(outside).isEmpty)
    }
}
