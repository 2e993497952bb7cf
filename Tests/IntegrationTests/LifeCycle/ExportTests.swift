// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// Images made of apps that have ended.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires("python3"), .podLogs, .timeLimit(.minutes(5)))
struct ExportTests {
    /// Changes an app's root in all ways that there are.
    private static let change = """
        mkdir -p /made/deep; echo kept >/made/deep/file; ln /made/deep/file /made/same; ln -s deep /made/link
        mkfifo /made/fifo; chown 12:34 /made/fifo; chmod 4711 /made/same; rm /etc/group
        """

    private static let look = """
        cat /made/same; cat /made/link/file; stat -c '%F %u %g' /made/fifo; stat -c '%a %h' /made/deep/file
        if [ -e /etc/group ]; then echo group; fi; if [ -e /made/socket ]; then echo socket; fi; ls -d /etc/passwd
        """

    private static let seen = ["kept", "kept", "fifo 12 34", "4711 2", "/etc/passwd"]

    @Test(.requires(.severalApps), arguments: [[], ["--no-overlay"]])
    func exportedAppsRunAsTheyWere(_ options: [String]) async throws {
        try await PodFixture.with { fixture in
            let uuids = fixture.path("uuid")
            let run = try await fixture.rkt(
                ["run", "--uuid-file-save=\(uuids)"] + options + PodFixture.busybox(Self.change, name: "first")
                    + PodFixture.busybox("echo other >/other", name: "second"))
            #expect(run.status == 0, "\(run.error)")
            let uuid = try FileSystem.readText(uuids)
            let file = fixture.path("app.aci")

            let socket = try await fixture.shell(
                """
                cd $data/pods/run/\(uuid)/stage1/rootfs/opt/stage2/first/rootfs/made
                python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
                """)
            #expect(socket.status == 0, "\(socket.error)")

            let ambiguous = try await fixture.rkt("export", uuid, file.string)
            #expect(ambiguous.status == 254)
            #expect(ambiguous.error.contains("unable to determine app name"))
            #expect(!FileSystem.exists(file))
            let export = try await fixture.rkt("export", "--app=first", uuid, file.string)
            #expect(export.status == 0, "\(export.error)")
            #expect(export.output == "")
            let again = try await fixture.rkt("export", "--app=first", uuid, file.string)
            #expect(again.status == 254)
            #expect(again.error == "export: output ACI file exists (try --overwrite)\n")

            // As after a reboot of the host, when nothing is mounted any more.
            for point in try Mount.points(beneath: fixture.data) { try Mount.unmount(point, detach: true) }
            let unmounted = try await fixture.rkt("export", "--overwrite", "--app=first", uuid, file.string)
            #expect(unmounted.status == 0, "\(unmounted.error)")
            #expect(try Mount.points(beneath: fixture.data) == [])

            let rerun = try await fixture.rkt(["run", file.string, "--exec=/bin/sh", "--", "-c", Self.look])
            #expect(rerun.status == 0, "\(rerun.error)")
            #expect(rerun.texts(of: "busybox") == Self.seen)
            #expect(!FileSystem.exists(fixture.path("app.aci.partial")))
        }
    }

    @Test func podsThatRunAreNotExported() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let file = fixture.path("app.aci")
            try FileSystem.write(pod.uuid.utf8, to: fixture.path("uuid"))
            let export = try await fixture.rkt("export", "--uuid-file=\(fixture.path("uuid"))", file.string)
            #expect(export.status == 254)
            #expect(export.error.contains("Only exited pods can be exported"))
            #expect(try FileSystem.list(fixture.scratch.path).filter { $0.hasPrefix("app.aci") } == [])
        }
    }
}
