// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct IdentityTests {
    /// The capabilities of an app that asks for nothing.
    static let usualCapabilities = [
        "audit_write", "chown", "dac_override", "fsetid", "fowner", "kill", "mknod", "net_raw", "net_bind_service",
        "setuid", "setgid", "setpcap", "setfcap", "sys_chroot",
    ]

    /// Numbers of capability.h.
    static func mask(_ names: [String]) -> UInt64 {
        let numbers: [String: UInt64] = [
            "chown": 0, "dac_override": 1, "fowner": 3, "fsetid": 4, "kill": 5, "setgid": 6, "setuid": 7, "setpcap": 8,
            "net_bind_service": 10, "net_raw": 13, "sys_chroot": 18, "mknod": 27, "audit_write": 29, "setfcap": 31,
        ]
        return names.reduce(0) { $0 | (1 << (numbers[$1] ?? 63)) }
    }

    /// The value of a line `NAME:<blank>HEX` of /proc/PID/status.
    static func capabilities(_ name: String, in lines: [String]) -> UInt64? {
        lines.first { $0.hasPrefix("\(name):") }.flatMap {
            UInt64($0.dropFirst(name.utf8.count + 1).filter { $0 != "\t" }, radix: 16)
        }
    }

    @Test(.requires(.ownKernel)) func guestIsAMachineOfThePodsOwn() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                script:
                    "cat /proc/self/status; tr '\\0' '|' </proc/self/cmdline; echo; env; echo cwd $(pwd); sleep 100000"
            )
            try await pod.awaitOutput("cwd /")
            let said = AppLine.texts(in: pod.process.output, of: "busybox")
            #expect(said.contains("cwd /"))
            #expect(said.contains { $0.hasPrefix("/bin/sh|-c|cat /proc") })
            #expect(said.contains("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
            #expect(said.contains("AC_APP_NAME=busybox"))
            #expect(Self.capabilities("CapBnd", in: said) == Self.mask(Self.usualCapabilities))
            #expect(Self.capabilities("CapEff", in: said) == Self.mask(Self.usualCapabilities))

            // What a command beside the app sees, one fact each.
            func see(_ script: String) async throws -> String { try await pod.shell(script) }
            let release = try FileSystem.readText(BuildProducts.kernelRelease).filter { $0 != "\n" }
            #expect(try await see("uname -r") == release)
            #expect(try await see("uname -s -m") == "Linux x86_64")
            #expect(try await see("hostname") == "rkt-\(pod.uuid)")
            #expect(try await see("cat /etc/hostname") == "rkt-\(pod.uuid)")
            #expect(try await see("stat -c %a /etc/hostname") == "644")
            #expect(
                try await see("grep -m1 ^127 /etc/hosts")
                    == "127.0.0.1 localhost localhost.domain localhost4 localhost4.localdomain4 rkt-\(pod.uuid)")
            #expect(try await see("cat /proc/1/comm") == "systemd")
            #expect(try await see("cat /proc/1/root/etc/machine-id") == pod.uuid.filter { $0 != "-" })
            #expect(try await see("readlink /etc/mtab") == "../proc/self/mounts")

            let commandLine = try await see("cat /proc/cmdline")
            #expect(commandLine.contains("console="))
            for secret in [
                pod.uuid, String(pod.uuid.filter { $0 != "-" }), String(pod.uuid.prefix(8)), "busybox",
                fixture.data.string,
            ] {
                #expect(!commandLine.contains(secret))
            }

            #expect(try await see("touch /sys/kernel/mark").contains("Read-only file system"))
            #expect(try await see("mkdir /sys/fs/cgroup/mark").contains("Read-only file system"))
            // Where the kernel has these at all.
            #expect(
                try await see(
                    "[ ! -e /proc/sysrq-trigger ] || { echo h >/proc/sysrq-trigger && echo written; } 2>/dev/null")
                    == "")
            #expect(try await see("[ ! -e /proc/kcore ] || stat -c '%a' /proc/kcore").drop { $0 == "0" } == "")
            #expect(try await see("stat -c '%F %a' /dev/ptmx") == "character special file 666")
            #expect(try await see("ls /sys/firmware") == "")

            #expect(try await see("ls /sys/class/net") == "lo")
            #expect(try await see("ip -o address show dev lo").contains("inet 127.0.0.1/8"))
            #expect(try await see("ping -c 1 -W 5 127.0.0.1 >/dev/null && echo up") == "up")
            #expect(try await see("ping -c 1 -W 5 ::1 >/dev/null && echo up") == "up")
            #expect(
                try await see(
                    "nc -l -p 7777 -e echo served & until nc 127.0.0.1 7777 2>/dev/null; do usleep 50000; done")
                    == "served")
            #expect(try await pod.stop().status == 0)
        }
    }

    @Test(.requires(.severalApps)) func appsRunAsAskedFor() async throws {
        let facts =
            "id -u; id -g; id -G; grep Cap /proc/self/status; pwd; "
            + "for word; do printf '<%s>' \"$word\"; done; echo; touch /mark && echo writable; true"
        let words = ["a b", "$HOME", "'quoted\"", "two\nlines", "", "*"]
        func app(_ name: String, _ flags: [String]) -> [String] {
            [BuildProducts.image("busybox").string, "--name=\(name)"] + flags
                + ["--exec=/bin/sh", "--", "-c", facts, "sh"] + words + ["---"]
        }
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run", "--hostname=somewhere.example"]
                    + app(
                        "names",
                        [
                            "--user=web", "--group=nobody", "--working-dir=/tmp",
                            "--caps-retain=CAP_KILL,CAP_NET_BIND_SERVICE",
                        ])
                    + app(
                        "numbers",
                        ["--user=4711", "--group=815", "--supplementary-gids=77,88", "--readonly-rootfs=true"])
                    + app(
                        "path",
                        [
                            "--user=/etc/passwd", "--group=/etc/passwd", "--caps-remove=CAP_CHOWN,CAP_KILL",
                            "--readonly-rootfs",
                        ])
                    + app("half", ["--user=nobody"])
                    + PodFixture.busybox(
                        "hostname; cat /etc/hostname; grep -c ' somewhere.example$' /etc/hosts", name: "host"))
            #expect(run.status == 0)
            #expect(run.complaints.isEmpty)
            #expect(run.texts(of: "host").prefix(2) == ["somewhere.example", "somewhere.example"])

            func facts(_ name: String) -> [String] { run.texts(of: name) }
            #expect(facts("names").prefix(3) == ["1000", "65534", "65534"])
            #expect(facts("names").contains("/tmp"))
            #expect(Self.capabilities("CapBnd", in: facts("names")) == Self.mask(["kill", "net_bind_service"]))
            #expect(Self.capabilities("CapEff", in: facts("names")) == 0)

            #expect(facts("numbers").prefix(2) == ["4711", "815"])
            #expect(facts("numbers").dropFirst(2).first.map { Set($0.split(separator: " ")) } == ["815", "77", "88"])
            #expect(Self.capabilities("CapBnd", in: facts("numbers")) == Self.mask(Self.usualCapabilities))
            #expect(facts("numbers").contains { $0.contains("Read-only file system") })

            #expect(facts("path").prefix(3) == ["0", "0", "0"])
            let fewer = Self.mask(Self.usualCapabilities.filter { !["chown", "kill"].contains($0) })
            #expect(Self.capabilities("CapBnd", in: facts("path")) == fewer)
            #expect(Self.capabilities("CapEff", in: facts("path")) == fewer)
            #expect(facts("path").contains { $0.contains("Read-only file system") })

            #expect(facts("half").prefix(3) == ["65534", "0", "0"])
            #expect(facts("half").contains { $0.contains("Permission denied") })

            for name in ["names", "numbers", "path", "half"] {
                let lines = facts(name).joined(separator: "\n")
                #expect(lines.contains("<a b><$HOME><'quoted\"><two\nlines><><*>"), "arguments of \(name)")
                #expect(!facts(name).contains("writable"))
            }
        }
    }

    @Test func variablesComeFromTheStrongestSource() async throws {
        try await PodFixture.with { fixture in
            let manifest = """
                {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/variables",\
                "labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\
                "app":{"exec":["/usr/bin/env"],"user":"0","group":"0","workingDirectory":"/var/tmp","environment":[\
                {"name":"IMAGE","value":"image"},{"name":"FILE","value":"image"},{"name":"POD","value":"image"},\
                {"name":"APP","value":"image"},{"name":"PATH","value":"/image/bin:/bin"}]}}
                """
            let image = try await fixture.image(manifest: manifest)
            let file = fixture.path("variables")
            try FileSystem.write(Array("# a comment\n; another\n\nFILE=file\nPOD=file\nAPP=file\n".utf8), to: file)
            let run = try await fixture.rkt(
                [
                    "run", "--inherit-env", "--set-env-file=\(file)", "--set-env=POD=pod", "--set-env", "APP=pod",
                    "--set-env=EMPTY=", image.string, "--environment=APP=app=app", "--environment=AC_APP_NAME=forged",
                ],
                environment: ["HOST": "host", "IMAGE": "host", "FILE": "host", "POD": "host", "APP": "host"])
            #expect(run.status == 0)
            let variables = Dictionary(
                run.texts(of: "variables").map { line in
                    let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    return (String(parts[0]), String(parts.count > 1 ? parts[1] : ""))
                }, uniquingKeysWith: { _, _ in "twice" })
            #expect(variables["HOST"] == "host")
            #expect(variables["IMAGE"] == "image")
            #expect(variables["FILE"] == "file")
            #expect(variables["POD"] == "pod")
            #expect(variables["APP"] == "app=app")
            #expect(variables["EMPTY"] == "")
            #expect(variables["PATH"] == "/image/bin:/bin")
            #expect(variables["AC_APP_NAME"] == "variables")
        }
    }
}
