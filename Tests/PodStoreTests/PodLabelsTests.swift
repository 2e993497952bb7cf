// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

/// What pods have to themselves alone. What it means is decided elsewhere: here it is the lowest number that is free.
struct PodLabelsTests {
    private static func assign(_ store: PodStore, _ layout: PodLayout) throws {
        try store.assignLabels(to: layout) { others in
            var number = 0
            while others.contains("\(number)") { number += 1 }
            return "\(number)"
        }
    }

    @Test func podsThatChooseAtOnceNeverChooseTheSame() async throws {
        let scratch = try ScratchStore()
        let store = scratch.store
        try store.makeDirectories()
        let chosen = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    let pod = try store.create()
                    try Self.assign(store, pod.layout)
                    let text = try FileSystem.readText(pod.layout.labels)
                    pod.release()
                    return text
                }
            }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(Set(chosen).count == 12)
    }

    @Test func whatAPodHasIsFreeWhenItIsRemovedAndNotBefore() throws {
        let scratch = try ScratchStore()
        let first = try scratch.store.create()
        try Self.assign(scratch.store, first.layout)
        let uuid = first.uuid
        try first.run().release()
        let second = try scratch.store.create()
        try Self.assign(scratch.store, second.layout)
        #expect(try FileSystem.readText(second.layout.labels) == "1")
        // Its own does not count when it chooses again.
        try Self.assign(scratch.store, second.layout)
        #expect(try FileSystem.readText(second.layout.labels) == "1")
        try scratch.claim(scratch.pod(uuid, in: .exited)).mark().remove()
        try Self.assign(scratch.store, second.layout)
        #expect(try FileSystem.readText(second.layout.labels) == "0")
        second.release()
    }

    @Test func whoChoosesNothingHasNoRecord() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.store.create()
        try scratch.store.assignLabels(to: pod.layout) { _ in nil }
        #expect(!FileSystem.exists(pod.layout.labels))
        pod.release()
    }
}
