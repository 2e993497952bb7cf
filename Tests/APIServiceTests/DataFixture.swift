// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport

/// A data directory of a test's own, and what reads it.
struct DataFixture {
    let scratch: ScratchDirectory
    let runtime: PodRuntime
    let source: PodSource

    var data: FilePath { scratch.appending("data") }

    /// - Parameter exists: whether the data directory is made.
    init(exists: Bool = true) throws {
        scratch = try ScratchDirectory()
        runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data")))
        source = PodSource(runtime)
        if exists { try FileSystem.makeDirectory(data) }
    }

    static func manifest(_ apps: String..., annotation: String = "1") -> String {
        let list = apps.map { name in
            #"{"name":"\#(name)","image":{"name":"example.com/\#(name)","id":"\#(SomePod.imageID)"}}"#
        }
        return """
            {"acVersion":"0.8.11","acKind":"PodManifest","apps":[\(list.joined(separator: ","))],\
            "annotations":[{"name":"note","value":"\(annotation)"}]}
            """
    }

    /// A pod that is being prepared.
    func prepare(_ manifest: String?) throws -> PodHandle {
        let handle = try runtime.pods.create()
        if let manifest { try FileSystem.write(manifest.utf8, to: handle.layout.manifest) }
        return handle
    }

    /// A pod that has ended.
    func exitedPod(_ manifest: String?) throws -> Pod {
        let handle = try prepare(manifest)
        let uuid = handle.uuid
        try handle.run().release()
        return try pod(uuid, in: .exited)
    }

    /// The pod once it is in a state. A program started by another test of this process keeps a copy of every open
    /// descriptor, and with it the lock, for the moment until it is executed.
    func pod(_ uuid: PodUUID, in state: PodState) throws -> Pod {
        var backoff = Backoff()
        let deadline = Clock.milliseconds + 10_000
        while true {
            if let pod = runtime.pods.pod(uuid), pod.state == state { return pod }
            guard backoff.pause(until: deadline) else { throw TimedOut("state \(state)", .seconds(10)) }
        }
    }

    func claim(_ pod: Pod) throws -> PodHandle {
        var backoff = Backoff()
        let deadline = Clock.milliseconds + 10_000
        while true {
            if let handle = try runtime.pods.claim(pod) { return handle }
            guard backoff.pause(until: deadline) else { throw TimedOut("possession of a pod", .seconds(10)) }
        }
    }

    @discardableResult
    func image(_ name: String, extra: String = "") throws -> StoredImage {
        let tar = TarFixture.image(TarFixture.manifest(name: name, extra: extra))
        let file = scratch.appending("image.aci")
        try FileSystem.write(tar.bytes(), to: file)
        return try ImageStore(dataDirectory: data).importImage(at: file)
    }
}
