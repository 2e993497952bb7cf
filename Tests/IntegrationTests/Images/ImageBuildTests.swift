// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// From a directory to an image that pods can be made of.
@Suite(.requiresBuild, .podLogs, .timeLimit(.minutes(5)))
struct ImageBuildTests {
    private static let manifest = """
        {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/made",\
        "labels":[{"name":"version","value":"1.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}]}
        """

    /// Makes a layout of everything that a root file system may hold.
    private func layout(_ fixture: PodFixture) async throws -> FilePath {
        let path = fixture.path("layout")
        try FileSystem.makeDirectory(path)
        try FileSystem.write(Self.manifest.utf8, to: path.appending("manifest"))
        let script = """
            mkdir '\(path)/rootfs' && cd '\(path)/rootfs'
            mkdir -p bin var/empty && chmod 1777 var/empty
            echo one >bin/one && chmod 4755 bin/one && ln bin/one bin/two && ln -s ../bin/one var/link
            mkfifo var/pipe && truncate -s 5M var/sparse
            if [ "$(id -u)" = 0 ]; then mknod var/null c 1 3; chown 12:34 bin/one; chown -h 5:6 var/link; fi
            """
        #expect(try await fixture.shell(script).status == 0)
        return path
    }

    private func facts(_ fixture: PodFixture, _ path: FilePath) async throws -> [String] {
        let script = """
            cd '\(path)' && find . ! -type d -printf '%p %y %m %U:%G %n %s %T@ %l\\n'
            find . -type d -printf '%p %y %m %U:%G %T@\\n'; find . -type f -exec sha256sum {} +
            """
        return try await fixture.shell(script).lines.sorted()
    }

    @Test(.requiresRoot) func `an image comes out as it went in`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let layout = try await layout(fixture)
            let built = try await fixture.rkt("image", "build", layout.string, fixture.path("one.aci").string)
            #expect(built.status == 0, "\(built.error)")
            let again = try await fixture.rkt(
                "image", "build", "--manifest=\(layout)/manifest", "--rootfs=\(layout)/rootfs",
                fixture.path("two.aci").string)
            #expect(again.output == built.output)
            let compare = "cmp '\(fixture.path("one.aci"))' '\(fixture.path("two.aci"))'"
            #expect(try await fixture.shell(compare).status == 0)
            let fetched = try await fixture.rkt("fetch", "--full", fixture.path("one.aci").string)
            #expect(fetched.output == built.output)
            let expected = try await facts(fixture, layout.appending("rootfs"))
            for verb in ["extract", "render"] {
                let out = fixture.path(verb)
                let written = try await fixture.rkt("image", verb, "example.com/made", out.string)
                #expect(written.status == 0, "\(written.error)")
                #expect(try FileSystem.list(out) == ["manifest", "rootfs"])
                #expect(try FileSystem.readText(out.appending("manifest")) == Self.manifest)
                #expect(try await facts(fixture, out.appending("rootfs")) == expected)

                let refused = try await fixture.rkt("image", verb, "example.com/made", out.string)
                #expect(refused.status == 254)
                #expect(refused.complaints == ["\(verb): output directory exists (try --overwrite)"])
                let replaced = try await fixture.rkt(
                    "image", verb, "--overwrite", "--rootfs-only", "example.com/made", out.string)
                #expect(replaced.status == 0, "\(replaced.error)")
                #expect(try await facts(fixture, out) == expected)
            }
            let rebuilt = try await fixture.rkt(
                "image", "build", "--manifest=\(layout)/manifest", "--rootfs=\(fixture.path("render"))",
                fixture.path("three.aci").string)
            #expect(rebuilt.output == built.output)
        }
    }

    @Test(.requires("gpg")) func `an image is signed by the user's own key`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let layout = try await layout(fixture)
            let (home, key) = (fixture.path("gnupg"), fixture.path("key.asc"))
            let environment = ["GNUPGHOME": home.string]
            fixture.atEnd { _ = try Program.output("gpgconf", "--homedir", home.string, "--kill", "all") }
            let script = """
                export GNUPGHOME='\(home)' && mkdir -m 700 "$GNUPGHOME"
                gpg --batch --quiet --passphrase '' --quick-generate-key 'Carly <carly@example.com>' ed25519 sign
                gpg --batch --quiet --armor --output '\(key)' --export
                """
            #expect(try await fixture.shell(script).status == 0)
            func rkt(_ arguments: String...) async throws -> HostProcess.Outcome {
                let directories = ["--dir=\(fixture.data)", "--local-config=\(fixture.path("etc"))"]
                return try await fixture.spawn(BuildProducts.rkt, directories + arguments, environment: environment)
                    .end()
            }
            let image = fixture.path("made.aci").string
            let stranger = try await rkt("image", "build", "--sign-with=mallory@example.com", layout.string, image)
            #expect(stranger.status == 254)
            #expect(stranger.complaints.count == 1)
            #expect(stranger.error.contains("there is no secret key \"mallory@example.com\""))
            #expect(try await fixture.shell("ls '\(fixture.scratch.path)' | grep made || true").output == "")

            let built = try await rkt("image", "build", "--sign-with=carly@example.com", layout.string, image)
            #expect(built.status == 0, "\(built.error)")
            #expect(try FileSystem.readText(FilePath(image + ".asc")).hasPrefix("-----BEGIN PGP SIGNATURE-----"))
            #expect(try await rkt("fetch", image).status == 254)
            let trust = try await rkt("trust", "--prefix=example.com/made", "--skip-fingerprint-review", key.string)
            #expect(trust.status == 0, "\(trust.error)")
            let fetched = try await rkt("fetch", "--full", image)
            #expect(fetched.status == 0, "\(fetched.error)")
            #expect(fetched.output == built.output)

            let exists = try await rkt("image", "build", "--sign-with=carly@example.com", layout.string, image)
            #expect(exists.status == 254)
            #expect(exists.complaints == ["build: output file \(image) exists (try --overwrite)"])
        }
    }

    @Test func `what goes wrong is told in one line and leaves nothing`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let layout = try await layout(fixture)
            let broken = fixture.path("broken")
            try FileSystem.write("{ \"acKind\": \"ImageManifest\", }".utf8, to: broken)
            let out = fixture.path("out.aci").string
            for (arguments, reason) in [
                (
                    ["--manifest=\(broken)", layout.string, out],
                    "\(broken) is not a valid image manifest: malformed JSON"
                ),
                (["--manifest=\(fixture.path("none"))", layout.string, out], "none: No such file or directory"),
                (["--rootfs=\(fixture.path("none"))", layout.string, out], "none: No such file or directory"),
                (["--rootfs=\(broken)", layout.string, out], "broken: Not a directory"),
                ([layout.string, fixture.path("none/out.aci").string], "none/out.aci: No such file or directory"),
                ([layout.string, "\(layout)/rootfs/out.aci"], "is in its root file system"),
            ] {
                let outcome = try await fixture.rkt(["image", "build"] + arguments)
                #expect(outcome.status == 254)
                #expect(outcome.output == "")
                #expect(outcome.complaints.count == 1, "\(outcome.error)")
                #expect(outcome.error.lowercased().contains(reason.lowercased()), "\(outcome.error)")
            }
            let left = try await fixture.shell("find '\(fixture.scratch.path)' -name '*out.aci*'")
            #expect(left.output == "")
        }
    }

    @Test func `times end where the environment says`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let layout = try await layout(fixture)
            func build() async throws -> String {
                let arguments = ["image", "build", "--overwrite", "--owner=0:0", layout.string]
                let outcome = try await fixture.rkt(
                    arguments + [fixture.path("out.aci").string], environment: ["SOURCE_DATE_EPOCH": "1000000000"])
                #expect(outcome.status == 0, "\(outcome.error)")
                return outcome.output
            }
            let first = try await build()
            #expect(try await fixture.shell("find '\(layout)' -exec touch -h {} +").status == 0)
            #expect(try await build() == first)
        }
    }
}
