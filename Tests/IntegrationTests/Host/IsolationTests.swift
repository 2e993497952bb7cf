// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What `rkt status` says of what stands between a pod and its host, against what the host's kernel says.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct IsolationTests {
    private func statement(_ pod: RunningPod) async throws -> (machine: JSONValue, images: [JSONValue]) {
        let status = try JSONValue(
            parsing: Array(await pod.fixture.rkt("status", "--format=json", pod.uuid).output.utf8))
        return (try #require(status["machine"]), try #require(status["images"]?.array))
    }

    private func sum(_ path: FilePath) throws -> String {
        "sha512-" + String(decoding: try Program.output("sha512sum", path.string), as: UTF8.self).prefix(128)
    }

    /// Compares the statement with `/proc`.
    ///
    /// - Parameter isContainer: its first process sets limits of its own after it was looked at.
    private func compare(_ confinement: JSONValue?, with pid: Int32, isContainer: Bool = false) throws {
        let confinement = try #require(confinement)
        let lines = try FileSystem.readText(FilePath("/proc/\(pid)/status")).split(separator: "\n")
        func field(_ name: String) -> [String] {
            lines.first { $0.hasPrefix(name + ":") }?.split(separator: "\t").dropFirst().map(String.init) ?? []
        }
        #expect(confinement["user"]?.int == field("Uid").dropFirst().first.flatMap { Int($0) })
        #expect(confinement["groups"]?.array?.first?.int == field("Gid").dropFirst().first.flatMap { Int($0) })
        let mask = try #require(field("CapPrm").first.flatMap { UInt64($0, radix: 16) })
        let names = confinement["capabilities"]?.array?.compactMap(\.string)
        #expect(names == CapabilitySet(mask: mask).names)
        #expect(confinement["noNewPrivileges"]?.bool == (field("NoNewPrivs") == ["1"]))
        #expect(confinement["seccomp"]?.string == (field("Seccomp") == ["0"] ? "none" : "filter"))
        let spaces = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].filter { name in
            let theirs = try? FileSystem.readSymbolicLink(FilePath("/proc/\(pid)/ns/\(name)"))
            return theirs != (try? FileSystem.readSymbolicLink(FilePath("/proc/self/ns/\(name)")))
        }
        #expect(confinement["namespaces"]?.array?.compactMap(\.string) == spaces)
        guard !isContainer else { return }
        let limits = try FileSystem.readText(FilePath("/proc/\(pid)/limits"))
        let files = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let soft = files.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
        #expect(confinement["limits"]?["nofile"]?.int == soft)
    }

    @Test(.requires(.emulatorOfRkt)) func theStatementIsWhatTheKernelSaysOfTheHypervisor() async throws {
        try await PodFixture.with { fixture in
            let host = fixture.path("host")
            try FileSystem.makeDirectory(host)
            let pod = try await fixture.run(
                ["--volume=v,kind=host,source=\(host),readOnly=true"]
                    + PodFixture.busybox("exec sleep 100000", ["--mount=volume=v,target=/v"]))
            let (machine, images) = try await statement(pod)
            let emulator = try #require(LibvirtHost.emulators(of: pod.uuid).first)
            try compare(machine["confinement"], with: emulator)
            // The hypervisor serves a volume over 9p.
            #expect(machine["confinement"]?["capabilities"]?.array?.isEmpty == false)
            for name in ["core", "memlock", "msgqueue"] {
                #expect(machine["confinement"]?["limits"]?[name]?.int == 0, "\(name)")
            }
            #expect(try #require(machine["confinement"]?["limits"]?["nproc"]?.int) <= 512)
            #expect(machine["confinement"]?["selinux"]?.isNull == !SELinuxHost.isEnabled)
            let labels = try #require(machine["labels"])
            #expect(labels.isNull || labels["process"]?.string == machine["confinement"]?["selinux"]?.string)

            let exports = try #require(machine["exports"]?.array)
            let volume = try #require(exports.first { $0["source"]?.string == host.string })
            #expect(volume["transport"]?.string == "9p")
            #expect(volume["readOnly"]?.bool == true)
            #expect(volume["server"]?["user"]?.int == machine["confinement"]?["user"]?.int)
            let roots = try #require(exports.first { $0["transport"]?.string == "virtiofs" })
            #expect(roots["server"]?["user"]?.int == 0)

            let digests = try #require(machine["digests"])
            let program = try #require(digests["programs"]?[0])
            let path = try FileSystem.readSymbolicLink(FilePath("/proc/\(emulator)/exe"))
            #expect(try program["digest"]?.string == sum(FilePath(path)))
            #expect(program["version"]?.string == machine["version"]?.string)
            for key in ["kernel", "guestRoot"] {
                #expect(digests[key]?.string?.hasPrefix("sha512-") == true, "\(key)")
            }

            // The first image is stage1's, which was installed; the other was not verified, as the flag says.
            #expect(images.map { $0["app"]?.string } == [nil, "busybox"])
            #expect(images.last?["signature"]?.string == "skipped")
            for image in images {
                #expect(image["id"]?.string?.utf8.count == 7 + 128)
                #expect(image["tree"]?.string?.isEmpty == false)
            }
        }
    }

    @Test(.requires(.hostKernel), .requires(.supervisor))
    func theStatementIsWhatTheKernelSaysOfTheContainer() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let (machine, _) = try await statement(pod)
            // The container's first process is the manager's.
            let first = try #require(
                HostTraces.descendants(of: pod.process.child.pid).first { $0.name == "systemd" })
            try compare(machine["confinement"], with: first.pid, isContainer: true)
            #expect(machine["confinement"]?["root"]?.string == "private")
            #expect(machine["exports"]?.array?.allSatisfy { $0["transport"]?.string == "bind" } == true)
            #expect(machine["digests"]?["programs"]?[0]?["digest"]?.string?.hasPrefix("sha512-") == true)
        }
    }

    /// Nothing is started, and the line says all of what would have to be different.
    @Test(
        .requires(.emulatorOfRkt),
        arguments: [
            (#""accelerator":"tcg","minimumIsolation":"virtualization""#, ["hardware virtualization", "\"tcg\""]),
            (#""accelerator":"tcg","minimumIsolation":"confined""#, ["hardware virtualization", "\"tcg\"", "9p"]),
        ])
    func aRefusalNamesWhatIsMissing(fields: String, words: [String]) async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("hypervisor", fields)
            let host = fixture.path("host")
            try FileSystem.makeDirectory(host)
            let run = try await fixture.rkt(
                ["run", "--volume=v,kind=host,source=\(host)"]
                    + PodFixture.busybox("true", ["--mount=volume=v,target=/v"]))
            #expect(run.status == 254)
            for word in words { #expect(run.error.contains(word), "\(run.error)") }
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    @Test func doctorTellsDigestsOfPrograms() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await fixture.rkt("doctor", "--format=json")
            let object = try JSONValue(parsing: Array(outcome.output.utf8))
            let image = try #require(object["stage1"]?.array?.first { $0["default"]?.bool == true })
            let backend = try #require(image["backends"]?.array?.first { $0["chosen"]?.bool == true })
            for program in backend["programs"]?.array ?? [] {
                guard let path = program["path"]?.string.map({ FilePath($0) }) else { continue }
                #expect(try program["digest"]?.string == sum(path))
            }
            for key in ["user", "root", "limits", "selinux"] {
                #expect(backend["confinement"]?[key]?.string?.isEmpty == false, "\(key)")
            }
        }
    }
}
