// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// From a new key to a running pod, and what happens when a step is left out.
@Suite(
    .requiresBuild, .requiresWebServer, .requires("gpg"), .podLogs, .timeLimit(.minutes(5)))
struct SigningGuideTests {
    private static let name = "example.com/hello"

    /// Signs files with a new key, and returns the key.
    private func sign(_ files: [FilePath], by user: String, _ web: WebFixture) async throws -> FilePath {
        let home = web.fixture.path("gnupg-\(user)")
        let key = web.fixture.path("\(user).gpg")
        let script = """
            export GNUPGHOME='\(home)'
            mkdir -m 700 "$GNUPGHOME"
            gpg --batch --quiet --passphrase '' --quick-generate-key '\(user) <\(user)@example.com>' ed25519 sign
            for file in \(files.map { "'\($0)'" }.joined(separator: " ")); do
                rm -f "$file.asc"
                gpg --batch --quiet --armor --output "$file.asc" --detach-sign "$file"
            done
            gpg --batch --quiet --armor --output '\(key)' --export
            gpgconf --kill all
            """
        let outcome = try await web.fixture.shell(script)
        try #require(outcome.status == 0, "\(outcome.error)")
        return key
    }

    /// An image that greets, served with its signature, and the key.
    private func publish(_ web: WebFixture) async throws -> (image: FilePath, key: FilePath) {
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"\(Self.name)",\
            "labels":[{"name":"version","value":"0.0.1"},{"name":"os","value":"linux"},\
            {"name":"arch","value":"amd64"}],\
            "app":{"exec":["/bin/echo","hello"],"user":"0","group":"0"}}
            """
        let image = try await web.fixture.image(manifest: manifest)
        let key = try await sign([image], by: "carly", web)
        try web.serveDiscovery()
        try web.server.serve(WebFixture.url(Self.name), .file(image))
        try web.server.serve(WebFixture.url(Self.name) + ".asc", .file(FilePath(image.string + ".asc")))
        try web.server.serve("https://example.com/pubkeys.gpg", .file(key))
        return (image, key)
    }

    @Test(.requiresRoot, .requiresQEMU) func signedImageIsFetchedAndRunOnceItsKeyIsTrusted() async throws {
        try await WebFixture.with(seeded: true) { web in
            _ = try await publish(web)
            let untrusted = try await web.rkt("fetch", "\(Self.name):0.0.1")
            #expect(untrusted.status == 254)
            #expect(untrusted.output == "")

            let trust = try await web.rkt("trust", "--prefix=\(Self.name)", "--skip-fingerprint-review")
            #expect(trust.status == 0, "\(trust.error)")
            let directory = "\(web.local)/trustedkeys/prefix.d/\(Self.name)/"
            #expect((trust.output + trust.error).contains("Added key for prefix \"\(Self.name)\" at \"\(directory)"))

            let fetched = try await web.rkt("--debug", "fetch", "--full", "\(Self.name):0.0.1")
            #expect(fetched.status == 0, "\(fetched.error)")
            #expect(fetched.error.contains("carly <carly@example.com>"))

            let run = try await web.rkt("run", "\(Self.name):0.0.1")
            #expect(run.status == 0, "\(run.error)")
            #expect(run.output.contains("hello"))
        }
    }

    @Test func imageSignedBySomebodyElseIsRefused() async throws {
        try await WebFixture.with { web in
            let (image, key) = try await publish(web)
            let trust = try await web.rkt("trust", "--prefix=\(Self.name)", "--skip-fingerprint-review", key.string)
            #expect(trust.status == 0, "\(trust.error)")
            _ = try await sign([image], by: "mallory", web)
            let refused = try await web.rkt("--debug", "fetch", "\(Self.name):0.0.1")
            #expect(refused.status == 254)
            #expect(refused.error.contains("openpgp: signature made by unknown entity"))
            #expect(try await web.rkt("image", "list", "--no-legend").lines == [])
        }
    }

    @Test func signatureMayBeNamed() async throws {
        try await WebFixture.with { web in
            let (image, key) = try await publish(web)
            let trust = try await web.rkt("trust", "--prefix=\(Self.name)", "--skip-fingerprint-review", key.string)
            #expect(trust.status == 0, "\(trust.error)")
            let elsewhere = web.fixture.path("elsewhere.sig")
            try FileSystem.rename(FilePath(image.string + ".asc"), to: elsewhere)
            let missing = try await web.rkt("fetch", image.string)
            #expect(missing.status == 254)
            #expect(missing.error.hasSuffix(".asc: no such file or directory\n"), "\(missing.error)")
            let named = try await web.rkt("fetch", image.string, "--signature=\(elsewhere)")
            #expect(named.status == 0, "\(named.error)")
        }
    }

    @Test func keysOfTheDomainAreTrustedWhereThatIsAskedFor() async throws {
        try await WebFixture.with { web in
            _ = try await publish(web)
            let fetched = try await web.rkt("--trust-keys-from-https", "fetch", "\(Self.name):0.0.1")
            #expect(fetched.status == 0, "\(fetched.error)")
        }
    }

    @Test func keysByPlainHTTPAreTakenOnlyWhereThatIsAllowed() async throws {
        try await WebFixture.with { web in
            let (_, key) = try await publish(web)
            let url = "http://example.com/plain.gpg"
            try web.server.serve(url, .file(key))
            try web.server.serve(
                "https://example.com/\(Self.name.split(separator: "/")[1])?ac-discovery=1",
                .text("<meta name=ac-discovery-pubkeys content='example.com \(url)'>", type: "text/html"))
            let warning = "pubkey: warning: plain HTTP has been allowed"
            let fetch = ["--trust-keys-from-https", "fetch", "\(Self.name):0.0.1"]
            let trust = ["trust", "--prefix=\(Self.name)", "--skip-fingerprint-review"]
            for arguments in [fetch, trust] {
                let refused = try await web.start(arguments).end()
                #expect(refused.status == 254)
                #expect(refused.error.contains("\(url)\" would come over plain HTTP"), "\(refused.error)")
                #expect(refused.error.contains("--insecure-options=pubkey"))
                #expect(!refused.error.contains("warning"))
                let allowed = try await web.start(["--insecure-options=pubkey"] + arguments).end()
                #expect(allowed.status == 0, "\(allowed.error)")
                #expect(allowed.error.contains(warning))
                #expect(allowed.error.contains("pubkey: warning: TLS verification has been disabled"))
                try FileSystem.removeTree(web.local)
            }
        }
    }
}
