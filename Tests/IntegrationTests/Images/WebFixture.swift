// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// A web of a test's own, with a server that poses as all of its hosts, and a data directory to fetch into.
struct WebFixture {
    let fixture: PodFixture
    let server: WebServer

    /// - Parameter seeded: whether the store has the stage1 image and busybox already.
    static func with(
        seeded: Bool = false, isolation: isolated (any Actor)? = #isolation,
        _ body: (WebFixture) async throws -> Void
    ) async throws {
        try await PodFixture.with(seeded: seeded) { fixture in
            try await body(WebFixture(fixture: fixture, server: WebServer(secure: false)))
        }
    }

    var local: FilePath { fixture.path("local") }

    /// The words before a command: a data directory and a configuration of the test's own.
    var options: [String] {
        ["--dir=\(fixture.data)", "--local-config=\(local)", "--system-config=\(fixture.path("system"))"]
    }

    /// Starts rkt; nothing but what the arguments say is insecure.
    func start(_ arguments: [String], input: HostProcess.Input = .null) throws -> HostProcess {
        try fixture.spawn(
            BuildProducts.rkt, options + arguments, environment: server.proxyEnvironment(), input: input)
    }

    func rkt(_ arguments: String..., isolation: isolated (any Actor)? = #isolation) async throws -> HostProcess.Outcome
    {
        try await start(arguments).end()
    }

    /// Fetches without signatures.
    func fetch(
        _ arguments: String..., isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await start(["--insecure-options=image", "fetch", "--full"] + arguments).end()
    }

    func configure(_ file: String, _ text: String) throws {
        let path = local.pushing(FilePath(file))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(text.utf8, to: path)
    }

    /// Makes an image of an archive in the test's directory.
    func archive(_ name: String, version: String = "0.0.1", extra: String = "") throws -> FilePath {
        let path = fixture.path(String(name.split(separator: "/").last ?? "image") + "-\(version).aci")
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"\(name)",\
            "labels":[{"name":"version","value":"\(version)"},{"name":"os","value":"linux"},\
            {"name":"arch","value":"amd64"}]\(extra)}
            """
        try FileSystem.write(TarFixture.image(manifest).bytes(), to: path)
        return path
    }

    /// Lets names below example.com be discovered at `https://example.com/images/NAME-VERSION-linux-amd64.aci`.
    func serveDiscovery() throws {
        try server.serve(
            "https://example.com/?ac-discovery=1",
            .text(
                """
                <!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
                <meta name="ac-discovery" content="example.com https://example.com/images/{name}-{version}-{os}-{arch}.{ext}">
                <meta name="ac-discovery-pubkeys" content="example.com https://example.com/pubkeys.gpg">
                </head></html>
                """, type: "text/html"))
    }

    /// Where discovery finds an image.
    static func url(_ name: String, version: String = "0.0.1") -> String {
        "https://example.com/images/\(name)-\(version)-linux-amd64.aci"
    }

    /// Files of downloads that are not complete.
    var partials: [FilePath] {
        let directory = fixture.data.appending("cas").appending("tmp")
        return ((try? FileSystem.list(directory)) ?? []).filter { $0.hasPrefix("download-") }
            .map { directory.appending($0) }
    }
}
