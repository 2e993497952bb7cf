// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// A host with a network and a /run of its own, where a metadata service may run.
final class MetadataHost {
    let fixture: PodFixture
    private(set) var service: HostProcess?

    private init(_ fixture: PodFixture) { self.fixture = fixture }

    /// Runs a test's body with such a host.
    ///
    /// - Parameter stage1: the image for pods in place of the tested one.
    static func with(
        stage1: FilePath? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (MetadataHost) async throws -> Void
    ) async throws {
        try await PodFixture.with { fixture in
            if let stage1 { fixture.stage1 = stage1 }
            try await fixture.leaveNetwork()
            try await body(MetadataHost(fixture))
        }
    }

    /// Starts the service, and waits until it listens.
    func startService(isolation: isolated (any Actor)? = #isolation) async throws {
        let process = try fixture.startOnNetwork(
            "exec \"$rkt\" metadata-service", environment: ["rkt": BuildProducts.rkt.string])
        service = process
        try await eventually("a metadata service", within: .seconds(30)) {
            guard process.isRunning else { throw FixtureError("the service has ended: \(process.error)") }
            return process.error.contains("metadata-service: listening on port 18112\n")
        }
    }

    /// Ends it without its noticing.
    func killService() { service?.kill() }

    /// The pods that are registered, by the service's files.
    func registered(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        let outcome = try await fixture.onNetwork("ls /run/rkt/metadata")
        return outcome.lines.map { $0.hasSuffix(".pod") ? String($0.dropLast(4)) : $0 }
    }
}

/// Images of the validator, which checks from within a pod what the specification promises.
enum ValidatorImage {
    /// Makes an image.
    ///
    /// - Parameters:
    ///   - app: members of the manifest's `app`.
    ///   - annotations: elements of the manifest's list.
    static func make(
        _ name: String, _ app: String, annotations: String = "", in fixture: PodFixture,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> FilePath {
        let tree = fixture.path(name)
        let root = tree.appending("rootfs")
        try FileSystem.makeDirectories(root.pushing("opt/acvalidator"))
        try await fixture.require("/usr/bin/strip", ["-o", "\(root)/ace-validator", BuildProducts.validator.string])
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"coreos.com/\(name)",\
            "labels":[{"name":"version","value":"1"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\
            "annotations":[\(annotations)],"app":{\(app)}}
            """
        try FileSystem.write(Array(manifest.utf8), to: tree.appending("manifest"))
        let file = fixture.path("\(name).aci")
        let build = try await fixture.rkt("image", "build", "--compression=none", tree.string, file.string)
        #expect(build.status == 0, "\(build.error)")
        return file
    }

    static let main = """
        "exec":["/ace-validator","main","metadata"],"user":"0","group":"0","workingDirectory":"/opt/acvalidator",\
        "environment":[{"name":"IN_ACE_VALIDATOR","value":"correct"}],\
        "mountPoints":[{"name":"database","path":"/db","readOnly":false}],\
        "isolators":[{"name":"resource/memory","value":{"limit":"1G"}}],\
        "eventHandlers":[{"name":"pre-start","exec":["/ace-validator","prestart"]},\
        {"name":"post-stop","exec":["/ace-validator","poststop"]}]
        """
    static let sidekick = """
        "exec":["/ace-validator","sidekick"],"user":"0","group":"0",\
        "mountPoints":[{"name":"database","path":"/db","readOnly":false}]
        """
}
