// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

extension NspawnHypervisor {
    /// Where the container finds the socket that leads to its supervisor.
    package static let guestSocket: FilePath = "/run/rkt-host.sock"
    /// Where the guest keeps what it makes, and where shares are bound.
    private static let guestState: FilePath = "/run/rkt"

    package func plan(for spec: MachineSpec) throws -> NspawnCommandLine {
        guard case .host(let program) = spec.kernel else {
            throw RuntimeError(
                .unsupported, "a container of the nspawn backend runs on the host's kernel, not on another")
        }
        guard case .directory(let root) = spec.root else {
            throw RuntimeError(.unsupported, "the nspawn backend takes a directory as root, not an image")
        }
        guard !program.arguments.isEmpty else {
            throw RuntimeError(.invalidArgument, "the container of pod \(spec.uuid) has no first program")
        }
        let socket = spec.workingDirectory.appending("guest.sock")
        var options = [
            "--quiet", "--directory=\(root)", "--read-only", "--machine=\(spec.name)",
            "--uuid=\(spec.uuid)",
            // What is outside of its private copies of the host's namespaces is none of its business.
            "--register=no", "--keep-unit", "--kill-signal=SIGRTMIN+3", "--link-journal=no", "--resolv-conf=off",
            "--timezone=off",
            // With control groups of version 2 the manager limits apps to their devices by bpf(2), or not at all.
            "--system-call-filter=bpf",
            // Nothing is typed there: apps have terminals of their own.
            "--console=passive",
            // Journals and states of the guest are written here.
            "--tmpfs=/var:mode=0755",
            "--bind=\(Self.escaped(socket)):\(Self.guestSocket)",
            "--capability=\(Self.names(program.capabilities))",
        ]
        // What it is given is shown with these ids already, and the bind mounts below are as they are.
        if let users = spec.users {
            options += [
                "--private-users=\(users)", "--private-users-ownership=off",
                // Directories for bind mounts are made by the host's root, who is nobody in there.
                "--tmpfs=\(Self.guestState):mode=0755",
            ]
        }
        if let labels = spec.labels {
            options += [
                "--selinux-context=\(labels.process(nil))",
                // Of what it mounts itself.
                "--selinux-apifs-context=\(labels.file)",
            ]
        }
        var network: NspawnNetwork?
        switch spec.network {
        case .host: break
        case .namespace(let path):
            if let users = spec.users {
                network = NspawnNetwork(namespace: path, users: users, settings: spec.networkSettings)
            } else {
                options.append("--network-namespace-path=\(path)")
            }
        case .interfaces:
            throw RuntimeError(
                .unsupported,
                "network attachment \"\(spec.network.kind.rawValue)\" cannot be used with the nspawn backend")
        }
        for share in spec.shares { options.append(try Self.option(share)) }
        options += program.environment.map { "--setenv=\($0)" }
        return NspawnCommandLine(
            id: spec.uuid, name: spec.name,
            words: Self.program(root) + options + ["--"] + program.arguments,
            environment: [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                // The pod's lock does that.
                "SYSTEMD_NSPAWN_LOCK=0",
            ],
            socket: socket, users: spec.users, network: network,
            inheritedDescriptors: spec.inheritedDescriptors.map(\.rawValue), labels: spec.labels,
            workingDirectory: spec.workingDirectory, log: spec.log)
    }

    /// The root's own program, with its own loader and libraries: nothing of the host's is used.
    private static func program(_ root: FilePath) -> [String] {
        let libraries = root.appending("usr").appending("lib").appending(Self.libraries)
        return [
            libraries.appending(Self.loader).string, "--library-path",
            "\(libraries):\(libraries.appending("systemd"))",
            programPath(root).string,
        ]
    }

    static func programPath(_ root: FilePath) -> FilePath {
        root.appending("usr").appending("bin").appending("systemd-nspawn")
    }

    /// Names of Debian's multiarch specification and of the processors' ABIs.
    #if arch(arm64)
        private static let libraries = "aarch64-linux-gnu"
        private static let loader = "ld-linux-aarch64.so.1"
    #else
        private static let libraries = "x86_64-linux-gnu"
        private static let loader = "ld-linux-x86-64.so.2"
    #endif

    private static func option(_ share: Share) throws -> String {
        guard case .bind(let source, let target, let isRecursive, let readOnly) = share else {
            throw RuntimeError(
                .unsupported, "share \"\(share.tag)\" has a transport that the nspawn backend has no use for; bind it")
        }
        let paths = "\(escaped(source)):\(escaped(target))"
        return "--bind\(readOnly ? "-ro" : "")=\(paths):\(isRecursive ? "rbind" : "norbind")"
    }

    /// As options take paths: a colon ends one.
    private static func escaped(_ path: FilePath) -> String {
        path.string.flatMap { $0 == ":" || $0 == "\\" ? ["\\", $0] : [$0] }.map(String.init).joined()
    }

    private static func names(_ capabilities: UInt64) -> String {
        CapabilitySet(mask: capabilities).names.joined(separator: ",")
    }
}
