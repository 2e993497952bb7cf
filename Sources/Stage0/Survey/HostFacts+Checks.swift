// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What the facts mean: pure, so that any host can be made up.
extension HostFacts {
    /// In the order in which they are shown; what all pods need comes first.
    package var checks: [HostCheck] {
        [
            userCheck, dataCheck, overlayCheck, configurationCheck, virtualizationCheck, isolationCheck, seccompCheck,
            controlGroupCheck, namespaceCheck, networkCheck, tapCheck, packetFilterCheck, downloadCheck, signatureCheck,
            journalCheck, measurementCheck, labelCheck,
        ].compactMap { $0 }
    }

    private var userCheck: HostCheck {
        if user == 0 { return HostCheck("user", .ok, isRequired: true, "root: may run pods") }
        let rights = ["rkt": "fetch and look at images and pods", "rkt-admin": "trust keys and configure"]
        let may = groups.compactMap { group in rights[group].map { "as a member of \(group): \($0)" } }
        return HostCheck(
            "user", .failed, isRequired: true,
            ["user \(user) may run no pods: run rkt as root"]
                + (may.isEmpty ? ["join the groups rkt and rkt-admin to do without root what needs none"] : may))
    }

    // MARK: - Data

    private var dataCheck: HostCheck {
        guard data.isDirectory else {
            return HostCheck(
                "data-directory", .failed, isRequired: true,
                "\"\(data.existing)\" is not a directory; name another with --dir or \"data\" of the kind paths")
        }
        guard data.isWritable else {
            return HostCheck(
                "data-directory", .failed, isRequired: true,
                "\"\(data.existing)\" cannot be written to by user \(user); run rkt as root, or name another directory "
                    + "with --dir")
        }
        let isNew = data.existing != data.path
        let free = "\(data.freeBytes >> 20) MiB free on \(Self.name(ofFileSystem: data.fileSystem))"
        let facts = isNew ? "\(data.path) will be made; \(free)" : "\(data.path); \(free)"
        guard data.freeBytes >= Self.leastSpace else {
            return HostCheck(
                "data-directory", .limited, isRequired: true, facts, "there is hardly room: see rkt image gc")
        }
        if !isNew, data.mode & 0o002 != 0 {
            return HostCheck(
                "data-directory", .limited, isRequired: true, facts,
                "anybody may write to it (mode \(String(data.mode, radix: 8))): chmod o-w")
        }
        return HostCheck("data-directory", .ok, isRequired: true, facts)
    }

    /// A stage1 image with its unpacked copy, and an app.
    private static let leastSpace: UInt64 = 1 << 30

    private static func name(ofFileSystem type: Int64) -> String {
        // statfs(2)
        switch type {
        case 0xef53: "ext4"
        case 0x5846_5342: "xfs"
        case 0x9123_683e: "btrfs"
        case 0x0102_1994: "tmpfs"
        case 0x794c_7630: "overlay"
        case 0x2fc1_2fc1: "zfs"
        case 0x6969: "nfs"
        default: "a file system of type 0x\(String(type, radix: 16))"
        }
    }

    private var overlayCheck: HostCheck {
        switch data.overlay {
        case .possible: HostCheck("overlay", .ok, "pods share the trees of images")
        case .impossible(let reason):
            HostCheck(
                "overlay", .limited,
                "each pod gets a copy of its images' trees: \(reason); use ext4, xfs or btrfs for the data directory")
        case .uncertain: HostCheck("overlay", .limited, "whether the kernel allows it here shows when a pod is made")
        }
    }

    // MARK: - Configuration

    private var configurationCheck: HostCheck {
        guard !configurationProblems.isEmpty else {
            return HostCheck("configuration", .ok, isRequired: true, "all files can be read")
        }
        let stopsPods = configurationProblems.contains(where: \.stopsPods)
        return HostCheck(
            "configuration", stopsPods ? .failed : .limited, isRequired: true,
            configurationProblems.map(\.text))
    }

    private var isolationCheck: HostCheck? {
        minimumIsolation.map {
            HostCheck(
                "minimum-isolation", .ok, "pods are not started with less than \"\($0)\"; what meets that stands below")
        }
    }

    // MARK: - Kernel

    private var virtualizationCheck: HostCheck {
        guard let problem = virtualizationProblem else { return HostCheck("kvm", .ok, "hardware virtualization") }
        return HostCheck(
            "kvm", .missing, "\(problem); machines are emulated, which is slow and no protection from hostile apps",
            "enable virtualization in the firmware, or nesting where this is a machine itself, and load kvm_intel or kvm_amd"
        )
    }

    private var seccompCheck: HostCheck {
        hasSeccomp
            ? HostCheck("seccomp", .ok, "system calls can be filtered")
            : HostCheck(
                "seccomp", .missing,
                "the kernel filters no system calls (CONFIG_SECCOMP_FILTER), which hypervisors are confined by; use another"
            )
    }

    private var controlGroupCheck: HostCheck {
        guard let groups = controlGroups, !groups.versions.isEmpty else {
            return HostCheck(
                "control-groups", .missing, "none are mounted: containers cannot be run; mount them at /sys/fs/cgroup")
        }
        let versions = "version " + groups.versions.map(String.init).joined(separator: " and ")
        let missing = ["memory", "cpu"].filter { !groups.controllers.contains($0) }
        guard missing.isEmpty else {
            return HostCheck(
                "control-groups", .limited,
                "\(versions); containers have no limits of \(missing.joined(separator: " and ")): no such controller "
                    + "holds for groups below this one; virtual machines have")
        }
        return HostCheck(
            "control-groups", .ok, "\(versions); controllers: \(groups.controllers.sorted().joined(separator: " "))")
    }

    private var namespaceCheck: HostCheck {
        let mapped = "Linux \(kernelRelease) \(mapsMounts ? "has" : "has no") mounts with mapped users"
        guard let count = userNamespaces, count > 0 else {
            return HostCheck(
                "user-namespaces", .limited,
                "\(userNamespaces == nil ? "the kernel has none" : "user.max_user_namespaces is 0"); no pod needs them",
                mapped)
        }
        return HostCheck("user-namespaces", .ok, "up to \(count)", mapped)
    }

    /// mount_setattr(2), Linux 5.12.
    private var mapsMounts: Bool {
        let numbers = kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 12)
    }

    // MARK: - Network

    private var networkCheck: HostCheck? {
        guard let plugins else { return nil }
        let lacking = plugins.networks.filter { !$0.missing.isEmpty }
        let places = plugins.places.map(\.string).joined(separator: ", ")
        guard !lacking.isEmpty else { return HostCheck("network-plugins", .ok, "in \(places)") }
        let lines = lacking.map { "network \"\($0.name)\" lacks \($0.missing.joined(separator: ", "))" }
        return HostCheck(
            "network-plugins", lacking.count == plugins.networks.count ? .missing : .limited,
            lines + [
                "install containernetworking-plugins, or put them into "
                    + plugins.searched.map(\.string).joined(separator: " or ") + "; --net=none does without"
            ])
    }

    private var tapCheck: HostCheck {
        guard let problem = tapProblem else { return HostCheck("tap", .ok, "machines can join networks") }
        return HostCheck(
            "tap", .missing,
            "machines can join no network: \(problem); load the module tun, or run pods with --net=none")
    }

    private var packetFilterCheck: HostCheck {
        packetFilters.isEmpty
            ? HostCheck(
                "packet-filter", .missing,
                "no ports can be forwarded, and networks do not masquerade: install nftables or iptables")
            : HostCheck("packet-filter", .ok, packetFilters.joined(separator: ", "))
    }

    private var downloadCheck: HostCheck {
        hasDownload
            ? HostCheck("download", .ok, "\(download)")
            : HostCheck(
                "download", .missing,
                "there is no program \"\(download)\": no images can be fetched from the network; install it with rkt "
                    + "(make install)")
    }

    private var signatureCheck: HostCheck {
        guard let gpg else {
            return HostCheck(
                "signatures", .missing,
                "gpg is not in PATH, so no signature can be verified: install gnupg, or use --insecure-options=image")
        }
        let places = keyDirectories.map { "\($0)" }.joined(separator: ", ")
        guard hasKeys else {
            return HostCheck(
                "signatures", .limited,
                "no key is trusted (\(places)), so no image is: add one with rkt trust, or use --insecure-options=image"
            )
        }
        return HostCheck("signatures", .ok, "\(gpg); keys in \(places)")
    }

    private var measurementCheck: HostCheck? {
        guard measurement != .off else { return HostCheck("tpm", .ok, "pods are not measured, as is configured") }
        guard let problem = tpmProblem else {
            return tpm.map { HostCheck("tpm", .ok, "pods are measured by \($0), into register 15") }
        }
        guard measurement == .required else { return HostCheck("tpm", .missing, "pods are not measured: \(problem)") }
        return HostCheck(
            "tpm", .failed, isRequired: true,
            "no pod is started, as none can be measured: \(problem); or set \"tpm\" of the kind measurement to \"auto\""
        )
    }

    private var labelCheck: HostCheck {
        guard hasSELinux else {
            return HostCheck("selinux", .missing, "this host has no SELinux, pods get no contexts of their own")
        }
        guard !labelsAreOff else {
            return HostCheck("selinux", .ok, "pods get no contexts of their own, as is configured")
        }
        // Without a context for its files a pod gets none.
        let contexts = [
            labels?.machineFile == nil ? nil : labels?.virtualMachine.map { "virtual machines \($0)" },
            labels?.containerFile == nil ? nil : labels?.container.map { "containers \($0)" },
        ].compactMap { $0 }
        let unknown = labels?.unknown.map(\.description) ?? []
        guard unknown.isEmpty || contexts.count == 2 else {
            return HostCheck(
                "selinux", .limited,
                contexts.isEmpty
                    ? "pods run in the context that rkt runs in"
                    : "other pods than \(contexts.joined(separator: ", ")) run in the context that rkt runs in",
                "its files name \(unknown.joined(separator: ", ")), which the policy does not know; "
                    + "load the module that has it with semodule(8)")
        }
        guard !contexts.isEmpty else {
            return HostCheck(
                "selinux", .limited, "pods run in the context that rkt runs in",
                "its policy has no contexts for pods; install one that has (Debian package selinux-policy-default)")
        }
        return HostCheck(
            "selinux", .ok, "each pod gets categories of its own: \(contexts.joined(separator: ", "))")
    }

    private var journalCheck: HostCheck {
        hasJournalConverter
            ? HostCheck("journal", .ok, "journalctl -m shows what pods log")
            : HostCheck(
                "journal", .limited,
                "journalctl does not show pods, rkt logs does: install systemd-journal-remote")
    }
}
