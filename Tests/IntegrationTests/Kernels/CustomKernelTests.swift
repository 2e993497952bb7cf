// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods on the distribution's kernel, which is made of modules.
@Suite(
    .requiresBuild, .requiresKernelPackages, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct CustomKernelTests {
    /// Makes a stage1 image of a kernel below `build/kernels`.
    private func make(
        _ flavour: String, _ fixture: PodFixture, _ options: [String] = []
    ) async throws -> (path: FilePath, release: String, outcome: HostProcess.Outcome) {
        let directory = BuildProducts.kernelPackage(flavour)
        let release = try #require(FileSystem.list(directory.appending("lib").appending("modules")).first)
        let path = fixture.path("stage1-\(flavour).aci")
        let outcome = try await fixture.spawn(
            BuildProducts.kernelImage,
            [
                "--kernel=\(directory)/boot/vmlinuz-\(release)", "--modules=\(directory)/lib/modules/\(release)",
                "--stage1=\(BuildProducts.stage1)",
            ] + options + [path.string]
        ).end()
        return (path, release, outcome)
    }

    private func json(_ outcome: HostProcess.Outcome) throws -> [JSONValue] {
        try #require(JSONValue(parsing: Array(outcome.output.utf8)).array, "\(outcome.error)")
    }

    @Test func theSameAppRunsOnBothKernels() async throws {
        // The store is empty: what the image depends on comes from beside rkt.
        try await PodFixture.with(seeded: false) { fixture in
            let image = try await make("generic", fixture)
            #expect(image.outcome.status == 0, "\(image.outcome.error)")
            #expect(try FileSystem.status(image.path).size < 14 << 20)
            let source = fixture.path("source")
            try FileSystem.makeDirectory(source)
            try FileSystem.write(Array("of the host\n".utf8), to: source.appending("file"))
            let script = """
                uname -r; cat /v/file; echo written >/v/$(uname -r); mkfifo /fifo && rm /fifo
                ls /sys/class/net; cat /proc/1/comm; grep -c . /proc/sys/kernel/random/boot_id; id -u; echo end
                """.split(separator: "\n").joined(separator: "; ")
            let test = try await fixture.rkt(
                [
                    "kernel-test", "--format=json", "--kernel=\(image.path)", "--kernel=default", "--", "--net=none",
                    "--volume=v,kind=host,source=\(source)",
                ] + PodFixture.busybox(script, ["--mount=volume=v,target=/v"]),
                within: .seconds(240))
            #expect(test.status == 0, "\(test.output)\(test.error)")
            let trials = try json(test)
            #expect(trials.map { $0.value(forKey: "cause")?.string } == ["completed", "completed"])
            let outputs = trials.map { trial in
                let lines = trial.value(forKey: "output")?.array?.compactMap(\.string) ?? []
                return AppLine.texts(in: lines.joined(separator: "\n"), of: "busybox")
            }
            try #require(outputs.allSatisfy { $0.count > 4 }, "\(test.output)")
            let bundled = try FileSystem.readText(BuildProducts.kernelRelease)
                .trimmingPrefix { $0.isWhitespace }.prefix { !$0.isWhitespace }
            #expect(outputs.map(\.first) == [image.release, String(bundled)])
            #expect(outputs[0].dropFirst() == outputs[1].dropFirst())
            #expect(outputs[0].last == "end")
            #expect(try FileSystem.list(source).sorted() == ([image.release, String(bundled), "file"]).sorted())
            // Their pods are gone.
            #expect(fixture.uuids == [])
        }
    }

    @Test func aPanicIsShownBesideWhatRan() async throws {
        try await PodFixture.with { fixture in
            let image = try await make("generic", fixture)
            #expect(image.outcome.status == 0, "\(image.outcome.error)")
            let missing = fixture.path("missing.aci")
            let test = try await fixture.rkt(
                [
                    "kernel-test", "--kernel=default", "--kernel=\(image.path)", "--kernel=\(missing)", "--",
                    "--net=none",
                ] + PodFixture.busybox("echo never"),
                environment: ["RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS": "init=/nonexistent"], within: .seconds(240))
            #expect(test.status == 251, "\(test.error)")
            let rows = test.lines.map { $0.split(separator: "\t").map(String.init) }
            #expect(rows.first == ["KERNEL", "STATUS", "CAUSE", "SECONDS", "LAST LINES"])
            for kernel in ["default", "stage1-generic.aci"] {
                let row = try #require(rows.first { $0.first == kernel }, "\(test.output)")
                #expect(row[1...2] == ["251", "guest-panicked"])
                #expect(row[4] == "the guest's kernel panicked")
            }
            #expect(test.output.contains("Requested init /nonexistent failed"), "\(test.output)")
            #expect(test.output.contains("rkt-guest: execute /nonexistent: No such file"), "\(test.output)")
            #expect(test.output.contains("Attempted to kill init!"), "\(test.output)")
            let refused = try #require(rows.first { $0.first == "missing.aci" })
            #expect(refused[1...2] == ["254", "refused"])
            #expect(test.output.contains("missing.aci: No such file or directory"), "\(test.output)")
            #expect(fixture.uuids == [])
        }
    }

    /// Several lines for one module, what comes after it, and what is there by an alias only, built in, or not at all.
    @Test func whatModulesWantBesidesIsInTheInitrd() async throws {
        try await PodFixture.with { fixture in
            let directory = BuildProducts.kernelPackage("generic")
            let release = try #require(FileSystem.list(directory.appending("lib").appending("modules")).first)
            let base = fixture.path("base"), path = fixture.path("stage1.aci")
            let script = """
                modules=\(base)/lib/modules/\(release)
                mkdir -p $modules
                for entry in \(directory)/lib/modules/\(release)/*; do ln -s $entry $modules; done
                rm -f $modules/modules.dep* $modules/modules.alias* $modules/modules.softdep $modules/modules.symbols*
                depmod -b \(base) \(release)
                cat >>$modules/modules.softdep <<'END'
                softdep overlay pre: loop
                softdep overlay pre: dummy post: ifb
                softdep 9p pre: crypto-hmac no-such-module
                END
                \(BuildProducts.kernelImage) --kernel=\(directory)/boot/vmlinuz-\(release) --modules=$modules \
                    --stage1=\(BuildProducts.stage1) \(path) >&2
                tar -xzf \(path) -C \(base) rootfs/initrd
                cpio -i --quiet --to-stdout modules/order <\(base)/rootfs/initrd
                """
            let made = try await fixture.shell(script)
            #expect(made.status == 0, "\(made.error)")
            func place(_ module: String) throws -> Int {
                try #require(made.lines.firstIndex(of: module + ".ko"), "\(module) in \(made.lines)")
            }
            let overlay = try place("overlay")
            #expect(try place("loop") < overlay && place("dummy") < overlay && place("ifb") > overlay)
            // By the alias that a module of these wants, its names.
            #expect(try place("crc32c_generic") < place("libcrc32c"))
            #expect(try place("9p") > place("9pnet"))
            #expect(Set(made.lines).count == made.lines.count)
        }
    }

    @Test func aKernelWithoutDriversIsRefused() async throws {
        try await PodFixture.with { fixture in
            let image = try await make("cloud", fixture)
            #expect(image.outcome.status == 1)
            #expect(image.outcome.output == "")
            #expect(image.outcome.error.contains("kernel \(image.release) cannot run pods"))
            #expect(image.outcome.error.contains("9p (volumes)"), "\(image.outcome.error)")
            #expect(!FileSystem.exists(image.path))
        }
    }

    @Test(.requires("gpg")) func theImageIsVerifiedLikeOthers() async throws {
        let home = try SigningHome()
        let key = try home.makeKey("Kernel Builder <kernels@example.com>")
        let publicKey = try home.export(key)
        try await PodFixture.with { fixture in
            let image = try await make("generic", fixture)
            #expect(image.outcome.status == 0, "\(image.outcome.error)")
            let app = try #require(
                try await fixture.rkt("image", "list", "--fields=id,name", "--full", "--no-legend").lines
                    .first { $0.contains("example.com/busybox") }?.split(separator: "\t").first)
            func prepare() async throws -> HostProcess.Outcome {
                try await rkt(["prepare", "--stage1-path=\(image.path)", String(app)])
            }
            func rkt(_ arguments: [String]) async throws -> HostProcess.Outcome {
                try await fixture.spawn(
                    BuildProducts.rkt, ["--dir=\(fixture.data)", "--local-config=\(fixture.path("etc"))"] + arguments
                ).end()
            }
            let unsigned = try await prepare()
            #expect(unsigned.status == 254)
            #expect(unsigned.error.contains("has no signature that can be verified"), "\(unsigned.error)")
            let signature = try home.sign(image.path, with: key)
            try FileSystem.rename(signature, to: FilePath(image.path.string + ".asc"))
            let stranger = try await prepare()
            #expect(stranger.status == 254)
            #expect(stranger.error.contains("unknown entity"), "\(stranger.error)")
            let trusted = try await rkt(
                ["trust", "--prefix=coreos.com/rkt", "--skip-fingerprint-review", publicKey.string])
            #expect(trusted.status == 0, "\(trusted.error)")
            let prepared = try await prepare()
            #expect(prepared.status == 0, "\(prepared.error)")
            let stage1 = try await fixture.rkt("image", "list", "--fields=name", "--no-legend")
            #expect(stage1.output.contains("coreos.com/rkt/stage1-kvm-\(image.release):"))
        }
    }
}
