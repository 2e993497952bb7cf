// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What an app may ask its kernel for. Each refusal stands beside the same program that succeeds without the filter.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct SystemCallFilterTests {
    private static let filterLines = #"grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status | tr -d "\t""#

    /// Runs several apps at once: the shell script of each with its own flags.
    private func run(
        _ apps: [(name: String, flags: [String], script: String)], global: [String] = []
    ) async throws -> [String: [String]] {
        var words = ["run"] + global
        for app in apps {
            words += [BuildProducts.image("busybox").string, "--name=\(app.name)"] + app.flags
            words += ["--exec=/bin/sh", "--", "-c", "{ \(app.script); } 2>&1; exit 0", "---"]
        }
        var said: [String: [String]] = [:]
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(words)
            #expect(run.status == 0)
            for app in apps { said[app.name] = AppLine.texts(in: run.output, of: app.name) }
        }
        return said
    }

    @Test(.requires(.severalApps)) func filtersBlockWhatTheyName() async throws {
        let mount = "mkdir -p /m; mount -t tmpfs none /m; echo status $?", capability = "--caps-retain=CAP_SYS_ADMIN"
        let seen = try await run([
            ("usual", [capability], "\(Self.filterLines); \(mount)"),
            ("removed", [capability, "--seccomp=mode=remove,chmod"], mount),
            ("killed", ["--seccomp=mode=remove,chmod,fchmodat"], "touch /f; chmod 600 /f; echo status $?"),
            (
                "refused", ["--seccomp=mode=remove,errno=EXDEV,chmod,fchmodat"],
                "touch /f; chmod 600 /f; echo status $?"
            ),
            (
                "retained", [capability, "--seccomp=mode=retain,errno=EDOM,@rkt/default-whitelist,mount"],
                "\(mount); umount /m; echo status $?"
            ),
            (
                "user", ["--user=1000", "--group=1000", "--seccomp=mode=remove,errno=EPERM,@docker/default-blacklist"],
                "id -u; grep -E 'Cap(Eff|Prm)' /proc/self/status | tr -d '\\t'; \(Self.filterLines)"
            ),
        ])
        #expect(seen["usual"] == ["NoNewPrivs:0", "Seccomp:2", "Bad system call", "status 159"])
        #expect(seen["removed"] == ["status 0"])
        #expect(seen["killed"] == ["Bad system call", "status 159"])
        #expect(seen["refused"]?.last == "status 1")
        #expect(seen["refused"]?.first?.lowercased().contains("cross-device link") == true)
        #expect(seen["retained"]?.first == "status 0")
        #expect(seen["retained"]?.dropFirst().contains { $0.contains("out of domain") } == true)
        #expect(
            seen["user"] == ["1000", "CapPrm:0000000000000000", "CapEff:0000000000000000", "NoNewPrivs:0", "Seccomp:2"])
    }

    @Test(.requires(.ownKernel)) func filtersAreTurnedOff() async throws {
        let seen = try await run([
            ("all", ["--seccomp=mode=retain,@appc.io/all"], Self.filterLines),
            ("empty", ["--seccomp=mode=remove,@appc.io/empty"], Self.filterLines),
        ])
        #expect(seen["all"] == ["NoNewPrivs:0", "Seccomp:0"])
        #expect(seen["empty"] == ["NoNewPrivs:0", "Seccomp:2"])
        let insecure = try await run([("app", [], Self.filterLines)], global: ["--insecure-options=image,seccomp"])
        #expect(insecure["app"] == ["NoNewPrivs:0", "Seccomp:0"])
    }
}
