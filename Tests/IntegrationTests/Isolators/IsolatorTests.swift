// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

/// Each isolator is shown to work from inside the guest, beside the same program without it.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .requires("python3"), .podLogs,
    .timeLimit(.minutes(5)))
struct IsolatorTests {
    /// Something to run, and what it says when an isolator holds and when it does not.
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let flags: [String]
        var control: [String] = []
        /// Whether a control group has to enforce it, which a machine has for itself.
        var needsGroup = false
        let script: String
        let limited: [String]
        let free: [String]
    }

    static let cases = [
        Case(
            testDescription: "memory", flags: ["--memory=64M"], control: ["--memory=256M"], needsGroup: true,
            script: "dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo $?", limited: ["137"], free: ["0"]),
        Case(
            testDescription: "cpu", flags: ["--cpu=200m"], needsGroup: true,
            script: """
                now() { cut -d. -f1 /proc/uptime; }
                end=$(($(now) + 4)); while [ $(now) -lt $end ]; do :; done
                used=$(awk '{ print $14 + $15 + $16 + $17 }' /proc/$$/stat)
                if [ $used -lt 200 ]; then echo little; else echo much; fi
                """, limited: ["little"], free: ["much"]),
        Case(
            testDescription: "cpu-shares", flags: ["--cpu-shares=256"], control: ["--cpu-shares=1024"],
            needsGroup: true,
            script: "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/cpu.weight", limited: ["25"], free: ["100"]),
        Case(
            testDescription: "oom-score-adj", flags: ["--oom-score-adj=42"], script: "cat /proc/self/oom_score_adj",
            limited: ["42"], free: ["0"]),
        Case(
            testDescription: "capabilities-retain-set", flags: ["--caps-retain=CAP_KILL"],
            script: "cd /tmp; touch f; chown 5 f 2>/dev/null; echo $?", limited: ["1"], free: ["0"]),
        Case(
            testDescription: "capabilities-remove-set", flags: ["--caps-remove=CAP_CHOWN"],
            script: "cd /tmp; touch f; chown 5 f 2>/dev/null; echo $?", limited: ["1"], free: ["0"]),
        Case(
            testDescription: "capabilities disabled", flags: ["--caps-remove=CAP_CHOWN"],
            control: ["--caps-remove=CAP_CHOWN", "--insecure-options=image,capabilities"],
            script: "cd /tmp; touch f; chown 5 f 2>/dev/null; echo $?", limited: ["1"], free: ["0"]),
        Case(
            testDescription: "seccomp", flags: ["--seccomp=mode=remove,errno=ENOTEMPTY,mkdir,mkdirat"],
            script: "mkdir /d 2>/dev/null; echo $?", limited: ["1"], free: ["0"]),
        Case(
            testDescription: "read-only root", flags: ["--readonly-rootfs=true"],
            script: "echo x 2>/dev/null >/file; echo $?", limited: ["1"], free: ["0"]),
    ]

    /// In a container the limits are those of the host's control groups: memory where a hierarchy of version 1 has it, and time only
    /// as precisely as the host is idle.
    static var applicableCases: [Case] {
        guard TestedStage1.lacks(.ownKernel) else { return cases }
        return cases.filter {
            !$0.needsGroup || $0.flags == ["--memory=64M"] && FileSystem.exists("/sys/fs/cgroup/memory")
        }
    }

    @Test(arguments: applicableCases) func flagsLimitApps(_ item: Case)
        async throws
    {
        try await PodFixture.with { fixture in
            for (flags, expected) in [(item.flags, item.limited), (item.control, item.free)] {
                let options = flags.filter { $0.hasPrefix("--insecure") }
                let run = try await fixture.rkt(
                    options + ["run"]
                        + PodFixture.busybox(item.script, flags.filter { !options.contains($0) }))
                #expect(run.status == 0, "\(run.error)")
                #expect(run.texts() == expected, "with \(flags)")
            }
        }
    }

    @Test func appsThatNeedTooMuchMemorySayWhy() async throws {
        try await PodFixture.with { fixture in
            let file = fixture.path("uuid")
            let run = try await fixture.rkt(
                ["run", "--uuid-file-save=\(file)"]
                    + PodFixture.busybox(
                        "exec dd if=/dev/zero of=/dev/null bs=100M count=1", name: "greedy", ["--memory=64M"])
                    + PodFixture.busybox("exec sleep 100000", name: "other"))
            #expect(run.status == 137)
            #expect(run.error.contains("app \"greedy\" was killed for lack of memory"))
            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", "--uuid-file=\(file)").output.utf8))
            let causes = status.value(forKey: "apps")?.array?.map { $0.value(forKey: "exit_cause")?.string }
            #expect(causes == ["out-of-memory", "stopped"])
            #expect(status.value(forKey: "end")?.value(forKey: "cause")?.string == "app-failed")
            #expect(status.value(forKey: "end")?.value(forKey: "status")?.int == 137)
        }
    }

    @Test func isolatorsOfImagesAreEnforcedOrReported() async throws {
        try await PodFixture.with { fixture in
            let made = try await fixture.shell(
                """
                mkdir $data/image; tar -xf $images/busybox.aci -C $data/image
                python3 - $data/image/manifest <<'END'
                import json, sys
                manifest = json.load(open(sys.argv[1]))
                manifest["app"] = {"exec": ["/bin/grep", "NoNewPrivs", "/proc/self/status"], "user": "0", "group": "0",
                    "isolators": [{"name": "os/linux/no-new-privileges", "value": True},
                                  {"name": "resource/block-iops", "value": {"default": True, "limit": "100"}}]}
                json.dump(manifest, open(sys.argv[1], "w"))
                END
                $rkt image build $data/image \(fixture.path("image.aci"))
                """)
            try #require(made.status == 0, "\(made.error)")
            let file = fixture.path("uuid")
            let run = try await fixture.rkt("run", "--uuid-file-save=\(file)", fixture.path("image.aci").string)
            #expect(run.texts() == ["NoNewPrivs:\t1"])
            #expect(run.error.contains("isolator resource/block-iops of app busybox is not enforced"))
            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", "--uuid-file=\(file)").output.utf8))
            let effects = status.value(forKey: "machine")?.value(forKey: "isolators")?.array?.map { entry in
                ["app", "isolator", "effect"].map { entry.value(forKey: $0)?.string }
            }
            #expect(
                effects == [
                    ["busybox", "os/linux/no-new-privileges", "enforced"],
                    ["busybox", "resource/block-iops", "ignored"],
                ])
            let control = try await fixture.rkt(
                ["run"] + PodFixture.busybox("grep NoNewPrivs /proc/self/status"))
            #expect(control.texts() == ["NoNewPrivs:\t0"])
        }
    }

    @Test(.requires(.ownKernel)) func podsSetTheirKernel() async throws {
        try await PodFixture.with { fixture in
            let look = "cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/vm/overcommit_memory"
            let prepare = try await fixture.rkt(["prepare"] + PodFixture.busybox(look))
            let uuid = try #require(prepare.lines.first)
            func run(_ settings: String) async throws -> HostProcess.Outcome {
                let made = try await fixture.shell(
                    """
                    $rkt --dir=$data cat-manifest \(uuid) | python3 -c '
                    import json, sys
                    manifest = json.load(sys.stdin)
                    manifest["isolators"] = [{"name": "os/unix/sysctl", "value": \(settings)}]
                    json.dump(manifest, sys.stdout)' >\(fixture.path("pod.json"))
                    """)
                try #require(made.status == 0, "\(made.error)")
                return try await fixture.rkt("run", "--pod-manifest=\(fixture.path("pod.json"))")
            }
            let set = try await run(#"{"net.ipv4.ip_local_port_range": "2000 3000", "vm.overcommit_memory": "1"}"#)
            #expect(set.texts() == ["2000\t3000", "1"], "\(set.error)")
            let control = try await run("{}")
            #expect(control.texts() == ["32768\t60999", "0"])
            let unknown = try await run(#"{"net.no.such": "1"}"#)
            #expect(unknown.status == 254)
            #expect(unknown.error.contains("sysctl net/no/such: the guest's kernel has no such setting"))
            let outside = try await run(#"{"net/../../etc": "1"}"#)
            #expect(outside.status == 254)
            #expect(outside.error.contains("os/unix/sysctl"))
        }
    }
}
