// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// How long the steps took that come before stage1, in microseconds; kept in the pod's directory as a JSON object.
struct PreparationTimes: Equatable {
    /// To find the images, and to download and verify what was not in the store.
    var fetch: UInt64 = 0
    /// To check trees that were there already.
    var verify: UInt64 = 0
    /// To unpack images into trees.
    var render: UInt64 = 0

    /// Adds the time that `body` takes to a step.
    mutating func measure<Result>(
        _ step: WritableKeyPath<PreparationTimes, UInt64>, _ body: () throws -> Result
    ) rethrows -> Result {
        let start = Clock.microseconds
        let result = try body()
        self[keyPath: step] += Clock.microseconds - start
        return result
    }

    /// Adds the time it takes to get a tree, which has been checked or rendered.
    mutating func measureTree(_ body: () throws -> RenderedTree) rethrows -> RenderedTree {
        let start = Clock.microseconds
        let tree = try body()
        self[keyPath: tree.isNew ? \Self.render : \Self.verify] += Clock.microseconds - start
        return tree
    }

    func write(_ layout: PodLayout) throws {
        let text = "{\"fetch\":\(fetch),\"verify\":\(verify),\"render\":\(render)}\n"
        try FileSystem.writeAtomically(text.utf8, to: layout.preparation)
    }

    /// What another command has measured; zeros where it has left nothing.
    init(reading layout: PodLayout) {
        guard let bytes = try? FileSystem.read(layout.preparation, limit: 4096),
            let object = try? JSONValue(parsing: bytes)
        else { return }
        func step(_ name: String) -> UInt64 { UInt64(max(0, object.value(forKey: name)?.int ?? 0)) }
        (fetch, verify, render) = (step("fetch"), step("verify"), step("render"))
    }

    init() {}
}
