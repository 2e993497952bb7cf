// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Fetching from a real registry that wants a password.
struct RegistryServerTests {
    private static let layers: [TarFixture] = {
        var base = TarFixture()
        base.add("etc/", .directory)
        base.add("etc/motd", "hello")
        var top = TarFixture()
        top.add("etc/.wh.motd", "")
        top.add("etc/issue", "welcome")
        return [base, top]
    }()

    @Test(
        .requires("docker-registry"), .requires("skopeo"), .requires("openssl"), .requires("htpasswd"),
        .requires("curl"), arguments: ["oci", "v2s2"])
    func imagesOfBothFormatsComeFromARegistry(format: String) async throws {
        let layout = try LayoutFixture.image(RegistryServerTests.layers)
        let expected = try layout.convert(ref: "latest").archive
        let listing = try Program.output("tar", "-tvf", expected.string)
        let registry = try await Registry()
        try registry.push("oci:\(layout.path):latest", as: "team/app:1.0", format: format)
        let archive = layout.scratch.appending("fetched.aci")
        let file = try FileDescriptor.open(archive, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        let reference = try RegistryReference(parsing: "docker://\(registry.host)/team/app:1.0")
        let transport = CurlTransport(certificate: registry.certificate)
        let images = RegistryImages(transport: transport, settings: layout.settings) { [server = registry.host] host in
            // clerk:opensesame
            host == server ? HTTPField("Authorization", "Basic Y2xlcms6b3BlbnNlc2FtZQ==") : nil
        }
        let image = try images.fetch(reference, writingTo: file)
        #expect(image.manifest.name.string == "127.0.0.1_\(registry.host.dropFirst("127.0.0.1:".count))/team/app")
        #expect(try images.currentDigest(reference) == image.rootDigest)
        let lines = { (bytes: [UInt8]) in
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasSuffix(" manifest") }
        }
        #expect(lines(try Program.output("tar", "-tvf", archive.string)) == lines(listing))

        let nobody = RegistryImages(transport: transport, settings: layout.settings)
        #expect {
            try nobody.fetch(reference, writingTo: file)
        } throws: { error in
            (error as? RuntimeError)?.code == .permissionDenied && "\(error)".contains("bad HTTP status code: 401")
        }
    }
}
