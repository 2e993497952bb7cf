// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Images that umoci makes, skopeo copies and a real registry serves.
@Suite(
    .requiresBuild, .requiresRoot, .requires("docker-registry"), .requires("skopeo"), .requires("umoci"),
    .requires("htpasswd"), .requires("setfattr"), .requires("setcap"), .podLogs, .timeLimit(.minutes(5)))
struct RegistryTests {
    /// An image of seven layers in an OCI layout: files replaced and removed, a directory emptied, links across
    /// layers, extended attributes, and a directory that a later layer makes opaque.
    private static let build = """
        umoci init --layout layout
        umoci new --image layout:1.0
        umoci unpack --image layout:1.0 bundle
        root=bundle/rootfs
        layer() { umoci repack --refresh-bundle --image layout:1.0 bundle; }
        tar -xpf $images/busybox.aci -C $root --strip-components=1 rootfs
        mkdir -p $root/keep/old $root/emptied/inside $root/gone; echo 1 >$root/keep/old/file
        echo 1 >$root/emptied/inside/file; echo 1 >$root/gone/file; echo first >$root/linked
        layer
        rm -r $root/gone; rm -r $root/emptied; mkdir $root/emptied; echo new >$root/emptied/new
        layer
        ln $root/linked $root/keep/same; ln -s ../linked $root/keep/symbolic; chmod 4711 $root/linked
        layer
        rm -r $root/keep/old; echo now-a-file >$root/keep/old; chown 12:34 $root/keep/old; mkfifo $root/fifo
        layer
        rm $root/keep/symbolic; mkdir $root/keep/symbolic; mknod $root/null c 1 3; touch -d @1000000000 $root/keep/same
        layer
        echo last >$root/last; chmod 1777 $root/emptied
        setfattr -n user.note -v file $root/last; setfattr -n user.note -v directory $root/emptied
        setcap cap_net_raw+ep $root/bin/busybox
        mkdir -p $root/opaque/below; echo 1 >$root/opaque/file; echo 1 >$root/opaque/below/file
        layer
        mkdir -p opaque; echo 2 >opaque/second; : >opaque/.wh..wh..opq
        tar -cf opaque.tar --numeric-owner opaque/.wh..wh..opq opaque/second
        umoci raw add-layer --image layout:1.0 opaque.tar
        umoci config --image layout:1.0 --config.entrypoint /bin/sh --config.cmd -c \\
            --config.cmd 'cat /last /linked; echo $GREETING; pwd; id -u' --config.env GREETING=hello \\
            --config.workingdir /keep --config.user 0:0 --config.exposedports 80/tcp --config.volume /data
        umoci unpack --image layout:1.0 plain
        """

    /// Everything about a tree but the times of directories.
    private static func facts(_ tree: String) -> String {
        """
        cd \(tree)
        find . -mindepth 1 -type d -printf '%P d %m %U %G\\n' -o -mindepth 1 -printf '%P %y %m %U %G %n %l %s %T@\\n' | sort
        find . -type f -exec sha256sum {} + | sort -k 2
        getfattr -R -h -d -e hex -m - . | awk '/^# file/ { file = $0; next } NF { print file, $0 }' | sort
        """
    }

    @Test func imagesOfARegistryAreWhatTheirLayersSay() async throws {
        let registry = try await Registry()
        try await PodFixture.with { fixture in
            let made = try await fixture.shell("cd \(fixture.scratch.path); \(Self.build)")
            try #require(made.status == 0, "\(made.error)")
            try registry.push("oci:\(fixture.path("layout")):1.0", as: "team/app:1.0")
            let local = fixture.path("local")
            try FileSystem.makeDirectories(local.appending("auth.d"))
            let login = """
                {"rktKind":"dockerAuth","rktVersion":"v1","registries":["\(registry.host)"],
                 "credentials":{"user":"\(Registry.user)","password":"\(Registry.password)"}}
                """
            try FileSystem.write(login.utf8, to: local.appending("auth.d/registry.json"))
            let name = "docker://\(registry.host)/team/app:1.0"
            let certificate = ["SSL_CERT_FILE": registry.certificate.string]
            func rkt(_ arguments: [String]) async throws -> HostProcess.Outcome {
                try await fixture.rkt(["--local-config=\(local)"] + arguments, environment: certificate)
            }

            let refused = try await fixture.rkt(["fetch", name], environment: certificate)
            #expect(refused.status == 254)
            #expect(refused.error.contains("401") || refused.error.contains("dockerAuth"), "\(refused.error)")

            let fetched = try await rkt(["fetch", name])
            try #require(fetched.status == 0, "\(fetched.error)")
            let id = try #require(fetched.lines.first)
            let rendered = fixture.path("rendered")
            let render = try await fixture.rkt("image", "render", "--rootfs-only", id, rendered.string)
            #expect(render.status == 0, "\(render.error)")
            let ours = try await fixture.shell(Self.facts(rendered.string))
            let theirs = try await fixture.shell(Self.facts(fixture.path("plain/rootfs").string))
            #expect(ours.status == 0 && theirs.status == 0)
            #expect(ours.lines.filter { !theirs.lines.contains($0) } == [])
            #expect(theirs.lines.filter { !ours.lines.contains($0) } == [])
            #expect(ours.lines.count > 20)

            // The same image of the layout itself, and nothing is sent again when nothing has changed.
            let layout = try await fixture.rkt("fetch", "oci:\(fixture.path("layout")):1.0")
            #expect(layout.status == 0, "\(layout.error)")
            let again = try await rkt(["--debug", "fetch", "--pull-policy=update", name])
            #expect(again.lines == [id])
            #expect(again.error.contains("using image from local store"))

            let run = try await rkt(["run", name])
            #expect(run.status == 0, "\(run.error)")
            #expect(run.texts(of: "app") == ["last", "first", "hello", "/keep", "0"])
            #expect(run.error.contains("mount point"))
        }
    }

    @Test func layoutsOfSkopeoAreImages() async throws {
        try await PodFixture.with { fixture in
            let made = try await fixture.shell(
                """
                cd \(fixture.scratch.path); \(Self.build)
                skopeo --insecure-policy copy -q oci:layout:1.0 oci:copied:stable
                tar -cf copied.tar -C copied .
                """)
            try #require(made.status == 0, "\(made.error)")
            let directory = try await fixture.rkt("fetch", "oci:\(fixture.path("copied")):stable")
            #expect(directory.status == 0, "\(directory.error)")
            let archive = try await fixture.rkt("fetch", "oci:\(fixture.path("copied.tar"))")
            #expect(archive.status == 0, "\(archive.error)")
            #expect(archive.lines.count == 1)
            let wrong = try await fixture.rkt("fetch", "oci:\(fixture.path("copied")):other")
            #expect(wrong.status == 254)
            #expect(wrong.error.contains("other") && wrong.error.contains("stable"))
        }
    }
}
