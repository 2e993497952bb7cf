// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Measurement
import PodStore

extension PodRuntime {
    /// Measures what a pod is made of and told, just before stage1 is executed, and leaves for stage1 what became of it.
    ///
    /// - Throws: when the pod has to be measured and cannot be.
    func measure(_ layout: PodLayout, _ uuid: PodUUID, _ start: StartCall, _ choices: StartChoices) throws {
        let measurer = Measurer(choices.measurement)
        var object = JSONObject()
        switch try measurer.measure({ try PodEvent(layout, uuid, start.arguments).json }) {
        case .none: return try FileSystem.remove(layout.podMeasurement)
        case .done(let digest):
            object.set("tpm", .string(measurer.tpm ?? ""))
            object.set("pod", .string(digest))
        case .failed(let problem):
            notices.warning("stage0", "the pod is not measured: \(problem)")
            object.set("problem", .string(problem))
        }
        try FileSystem.writeAtomically((JSONValue.object(object).encoded() + "\n").utf8, to: layout.podMeasurement)
    }
}

/// The event of a pod: its images, its manifest, and what stage1 is told.
package struct PodEvent {
    package let json: JSONValue

    /// - Parameter arguments: the words for stage1.
    package init(_ layout: PodLayout, _ uuid: PodUUID, _ arguments: [String]) throws {
        let images: [JSONValue]
        do {
            let document = try JSONValue(parsing: FileSystem.read(layout.images, limit: 4 << 20))
            guard let list = document.array else { throw RuntimeError(.invalidState, "it holds no list") }
            images = list
        } catch {
            throw RuntimeError(
                .invalidState, "the images of pod \"\(uuid)\" cannot be read: prepare it anew", cause: error)
        }
        func member(_ image: JSONValue?, _ key: String) -> JSONValue { image?[key] ?? .null }
        let apps = images.dropFirst().map { image -> JSONValue in
            ["name": member(image, "app"), "id": member(image, "id"), "tree": member(image, "tree")]
        }
        var words: [UInt8] = []
        for argument in arguments { words += Array(argument.utf8) + [0] }
        var object = JSONObject()
        object.set("event", "pod")
        object.set("uuid", .string(uuid.description))
        object.set("stage1", ["id": member(images.first, "id"), "tree": member(images.first, "tree")])
        object.set("apps", .array(apps))
        object.set("manifest", .string(FileDigest.sha512(try FileSystem.read(layout.manifest))))
        object.set("arguments", .string(FileDigest.sha512(words)))
        json = .object(object)
    }
}
