// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import PodStore
import SystemPackage

/// The file that tells what of an app can be attached to, and the sockets that it names.
struct EndpointsFile {
    let pod: PodLayout
    let app: String

    private func socket(_ name: String) -> FilePath { pod.endpointDirectory(app).appending("sock-\(name)") }

    /// Only root may connect.
    func listen(_ name: String) throws -> FileDescriptor {
        try FileSystem.makeDirectories(pod.endpointDirectory(app), mode: 0o700)
        let listener = try UnixSocket.listen(socket(name), mode: 0o600)
        try UnixSocket.setNonBlocking(listener)
        return listener
    }

    /// - Parameter names: those of the endpoints, in order.
    func write(_ names: [String]) throws {
        try FileSystem.makeDirectories(pod.endpointDirectory(app), mode: 0o700)
        try FileSystem.writeAtomically(
            Array((Self.text(app: app, names) + "\n").utf8), to: pod.endpoints(app), mode: 0o600)
    }

    /// Addresses are below stage1's root.
    static func text(app: String, _ names: [String]) -> String {
        let targets = names.map { name in
            var target = JSONObject()
            target.set("name", .string(name))
            target.set("domain", .string("unix"))
            target.set("address", .string("/rkt/iottymux/\(app)/sock-\(name)"))
            return JSONValue.object(target)
        }
        var file = JSONObject()
        file.set("version", .number("1"))
        file.set("targets", .array(targets))
        return JSONValue.object(file).encoded()
    }

    func removeSocket(_ name: String) { try? FileSystem.remove(socket(name)) }

    func remove() { try? FileSystem.remove(pod.endpoints(app)) }
}
