// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Stage0
import TestSupport
import Testing

/// What is concluded from facts about hosts that are made up.
struct HostChecksTests {
    /// A host where everything is as it should be.
    private static var facts: HostFacts {
        HostFacts(
            data: HostFacts.Data(path: "/var/lib/rkt", existing: "/var/lib/rkt"),
            controlGroups: HostFacts.ControlGroups(versions: [2], controllers: ["cpu", "memory", "pids"]),
            userNamespaces: 1000, plugins: .init(networks: [.init(name: "default")], places: ["/p"], searched: ["/p"]),
            packetFilters: ["/usr/sbin/nft"], gpg: "/usr/bin/gpg", keyDirectories: ["/etc/rkt/trustedkeys"],
            hasKeys: true,
            download: "/usr/libexec/rkt/download")
    }

    private func check(_ name: String, _ change: (inout HostFacts) -> Void) throws -> HostCheck {
        var facts = Self.facts
        change(&facts)
        return try #require(facts.checks.first { $0.name == name })
    }

    /// A check with its only state, whether it keeps pods from running, and words of its details.
    private func expect(
        _ name: String, _ state: HostCheck.State, stops: Bool = false, _ words: [String],
        _ change: (inout HostFacts) -> Void, at location: SourceLocation = #_sourceLocation
    ) throws {
        let check = try check(name, change)
        #expect(check.state == state, sourceLocation: location)
        #expect(check.isObstacle == stops, sourceLocation: location)
        let text = check.details.joined(separator: "\n")
        for word in words { #expect(text.contains(word), "\(text)", sourceLocation: location) }
    }

    @Test func aHostWithEverythingIsFine() {
        let checks = Self.facts.checks
        // SELinux is for some hosts only.
        #expect(checks.filter { $0.state != .ok }.map(\.name) == ["selinux"])
        #expect(Set(checks.map(\.name)).count == checks.count)
        #expect(checks.allSatisfy { !$0.details.isEmpty })
    }

    @Test func onlyRootRunsPods() throws {
        try expect("user", .failed, stops: true, ["user 1000", "root", "rkt-admin"]) { $0.user = 1000 }
        try expect("user", .failed, stops: true, ["as a member of rkt: fetch"]) {
            $0.user = 1000
            $0.groups = ["rkt"]
        }
    }

    @Test func theDataDirectoryHasToBeOneThatCanBeWrittenTo() throws {
        try expect("data-directory", .ok, ["/var/lib/rkt will be made", "ext4"]) { $0.data.existing = "/var/lib" }
        try expect("data-directory", .failed, stops: true, ["/var/lib", "--dir"]) {
            $0.data.existing = "/var/lib"
            $0.data.isWritable = false
        }
        try expect("data-directory", .failed, stops: true, ["not a directory"]) { $0.data.isDirectory = false }
        try expect("data-directory", .limited, ["1 MiB", "image gc"]) { $0.data.freeBytes = 1 << 20 }
        try expect("data-directory", .limited, ["777", "chmod"]) { $0.data.mode = 0o777 }
        try expect("overlay", .limited, ["aufs", "copy"]) {
            $0.data.overlay = .impossible("unsupported filesystem: aufs")
        }
        try expect("overlay", .limited, ["shows when"]) { $0.data.overlay = .uncertain }
    }

    @Test func aFileThatCannotBeReadIsNamedAndMayStopPods() throws {
        let broken = HostFacts.ConfigurationProblem("configuration file \"/etc/x.json\" is not JSON", stopsPods: true)
        try expect("configuration", .failed, stops: true, ["/etc/x.json"]) { $0.configurationProblems = [broken] }
        try expect("configuration", .limited, ["/etc/x.json"]) {
            $0.configurationProblems = [HostFacts.ConfigurationProblem(broken.text, stopsPods: false)]
        }
    }

    @Test func aMinimumIsShownIfThereIsOne() throws {
        #expect(!Self.facts.checks.contains { $0.name == "minimum-isolation" })
        try expect("minimum-isolation", .ok, ["\"confined\""]) { $0.minimumIsolation = "confined" }
    }

    @Test func whatAPolicyHasForPodsIsTold() throws {
        try expect("selinux", .missing, ["no SELinux"]) { _ in }
        try expect("selinux", .limited, ["no contexts", "selinux-policy-default"]) { $0.hasSELinux = true }
        let scratch = try ScratchDirectory()
        let policy = try scratch.writePolicy()
        try expect("selinux", .ok, ["virtual machines system_u:system_r:svirt_t:s0", "containers system_u:"]) {
            $0.hasSELinux = true
            $0.labels = policy
        }
        let directory = scratch.appending("policy")
        let partial = try #require(SELinuxPolicy(directory: directory) { $0.type != "container_t" })
        let words = ["than virtual machines system_u:", "name system_u:system_r:container_t:s0,"]
        try expect("selinux", .limited, words) {
            $0.hasSELinux = true
            $0.labels = partial
        }
        try expect("selinux", .ok, ["no contexts", "configured"]) {
            $0.hasSELinux = true
            $0.labels = policy
            $0.labelsAreOff = true
        }
    }

    @Test func aTPMIsMissedWhereItIsRequiredOnly() throws {
        #expect(!Self.facts.checks.contains { $0.name == "tpm" })
        try expect("tpm", .ok, ["device:/dev/tpmrm0", "15"]) { $0.tpm = "device:/dev/tpmrm0" }
        try expect("tpm", .missing, ["no TPM"]) { $0.tpmProblem = "this host has no TPM" }
        try expect("tpm", .failed, stops: true, ["no TPM", "\"auto\""]) {
            $0.tpmProblem = "this host has no TPM"
            $0.measurement = .required
        }
        try expect("tpm", .ok, ["not measured"]) {
            $0.tpmProblem = "this host has no TPM"
            $0.measurement = .off
        }
    }

    @Test func whatTheKernelLacksIsToldWithTheRemedy() throws {
        try expect("kvm", .missing, ["vmx", "emulated", "firmware"]) {
            $0.virtualizationProblem = "the processor has neither vmx nor svm"
        }
        try expect("seccomp", .missing, ["CONFIG_SECCOMP_FILTER"]) { $0.hasSeccomp = false }
        try expect("control-groups", .missing, ["containers"]) { $0.controlGroups = nil }
        try expect("control-groups", .limited, ["version 1 and 2", "memory and cpu"]) {
            $0.controlGroups = HostFacts.ControlGroups(versions: [1, 2], controllers: ["pids"])
        }
        try expect("user-namespaces", .limited, ["no pod needs them"]) { $0.userNamespaces = 0 }
        try expect("tap", .missing, ["/dev/net/tun", "--net=none"]) { $0.tapProblem = "cannot open /dev/net/tun" }
    }

    @Test(arguments: [("5.11.0", false), ("5.12.0-1", true), ("6.1", true), ("10.0.0", true), ("odd", false)])
    func mountsWithMappedUsersAreAsOldAsLinux512(release: String, has: Bool) throws {
        try expect("user-namespaces", .ok, [has ? "has mounts" : "has no mounts"]) { $0.kernelRelease = release }
    }

    @Test func networksTellWhichPluginsTheyLack() throws {
        try expect("network-plugins", .missing, ["\"default\" lacks ptp, host-local", "containernetworking", "/p"]) {
            $0.plugins = .init(
                networks: [.init(name: "default", missing: ["ptp", "host-local"])], places: [], searched: ["/p"])
        }
        try expect("network-plugins", .limited, ["\"b\" lacks bridge"]) {
            $0.plugins = .init(
                networks: [.init(name: "a"), .init(name: "b", missing: ["bridge"])], places: ["/p"], searched: ["/p"])
        }
        try expect("packet-filter", .missing, ["nftables"]) { $0.packetFilters = [] }
    }

    @Test func imagesNeedAProgramAndKeys() throws {
        try expect("download", .missing, ["/usr/libexec/rkt/download", "make install"]) { $0.hasDownload = false }
        try expect("signatures", .missing, ["gnupg"]) { $0.gpg = nil }
        try expect("signatures", .limited, ["rkt trust", "/etc/rkt/trustedkeys"]) { $0.hasKeys = false }
        try expect("journal", .limited, ["systemd-journal-remote"]) { $0.hasJournalConverter = false }
    }
}
