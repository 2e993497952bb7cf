// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import Measurement
import PodStore
import SystemPackage

/// What stands between a pod and its host, as it was found out when the pod was started: a part of `MachineRecord`. What could
/// not be found out is null.
struct MachineStatement {
    var confinement: MachineConfinement?
    /// Whose files the hypervisor sees: `host` or `private`.
    var root = "host"
    /// The contexts of SELinux that were chosen for the pod's processes and files; nil where it has none of its own.
    var labels: (process: String, file: String)?
    var exports: [MachineExport] = []
    var digests: MachineDigests?
    var measurement = MachineMeasurement.off

    /// Members of the record.
    var members: [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("confinement", confinement.map { Self.json($0, root: root) } ?? .null),
            (
                "labels",
                labels.map {
                    ["process": .string($0.process), "file": .string($0.file)]
                } ?? .null
            ),
            ("exports", .array(exports.map(\.json))), ("digests", digests?.json ?? .null),
        ]
        members += measurement.members
        return members
    }

    private static func json(_ facts: MachineConfinement, root: String) -> JSONValue {
        var limits = JSONObject()
        for limit in facts.limits { limits.set(limit.name, limit.value.map { JSONValue($0) } ?? "unlimited") }
        return [
            "user": JSONValue(facts.user), "groups": .array(facts.groups.map { JSONValue($0) }),
            "capabilities": .array(CapabilitySet(mask: facts.capabilities).names.map { .string($0) }),
            "noNewPrivileges": .bool(facts.noNewPrivileges), "seccomp": facts.filtersSystemCalls ? "filter" : "none",
            "namespaces": .array(facts.namespaces.map { .string($0) }), "root": .string(root),
            "limits": .object(limits), "selinux": facts.label.map { .string($0) } ?? .null,
        ]
    }
}

/// Something of the host that a machine gets to see.
struct MachineExport: Equatable {
    /// What serves it.
    struct Server: Equatable {
        let user: UInt32
        let capabilities: UInt64
    }

    let tag: String
    /// Of the host, and not the directory of the pod that leads to it.
    let source: FilePath
    /// `virtiofs`, `9p` or `bind`.
    let transport: String
    let readOnly: Bool
    /// Nil where it is the kernel, or not known.
    var server: Server?

    var json: JSONValue {
        [
            "tag": .string(tag), "source": .string(source.string), "transport": .string(transport),
            "readOnly": .bool(readOnly),
            "server": server.map {
                [
                    "user": JSONValue($0.user),
                    "capabilities": .array(CapabilitySet(mask: $0.capabilities).names.map { .string($0) }),
                ]
            } ?? .null,
        ]
    }
}

extension PodPlan {
    /// What the machine gets to see of the host, nobody serving it yet.
    var exports: [MachineExport] {
        // A volume is exported from a directory of the pod: its source tells more.
        let sources = Dictionary(
            volumes.hostMounts.flatMap { [($0.directory, $0.source), ($0.target, $0.source)] }
        ) { first, _ in first }
        return machine.shares.map { share in
            let transport =
                switch share {
                case .virtiofs: "virtiofs"
                case .plan9: "9p"
                case .bind: "bind"
                }
            return MachineExport(
                tag: share.tag, source: sources[share.source] ?? share.source, transport: transport,
                readOnly: share.isReadOnly)
        }
    }

    /// The same with who serves it: a process of its own over virtiofs, the hypervisor over 9p.
    func exports(servedBy machine: any SupervisedMachine, _ hypervisor: MachineConfinement?) -> [MachineExport] {
        var servers = machine.shareServers.map(\.pid)[...]
        return exports.map { export in
            var export = export
            switch export.transport {
            case "virtiofs": export.server = servers.popFirst().flatMap { Self.server($0) }
            case "9p": export.server = hypervisor.map { .init(user: $0.user, capabilities: $0.capabilities) }
            default: break
            }
            return export
        }
    }

    /// A virtiofsd that has made namespaces for itself serves from a child of its own.
    private static func server(_ process: Int32) -> MachineExport.Server? {
        let serving = ProcessChildren.first(of: process) ?? process
        return (try? MachineConfinement(of: serving)).map { .init(user: $0.user, capabilities: $0.capabilities) }
    }
}

/// What a machine is made of, by its digests.
struct MachineDigests {
    struct Program {
        let name: String
        let path: FilePath
        let digest: String?
    }

    var kernel: String?
    var initrd: String?
    var guestRoot: String?
    var programs: [Program] = []
    /// Of the first program.
    var version: String?
    /// What each file was when its digest was computed.
    private var stamps: [(path: FilePath, tree: String?, stamp: String)] = []

    /// Computes them, or takes those that are known of files which have not changed. A part that cannot be read has none.
    ///
    /// - Parameter problem: takes what cannot be read.
    init(
        of spec: MachineSpec, _ programs: [MachineProgram], pod: PodLayout,
        cache: DigestCache = DigestCache(), problem: (any Error) -> Void = { _ in }
    ) {
        let tree = try? FileSystem.readText(pod.stage1TreeID, limit: 4096).filter { $0 != "\n" && $0 != " " }
        var found: [(path: FilePath, tree: String?, stamp: String)] = []
        func digest(_ path: FilePath) -> String? {
            let part = path.starts(with: pod.stage1Rootfs) ? tree : nil
            do {
                let result = try cache.digest(of: path, tree: part)
                found.append((path, part, result.stamp))
                return result.digest
            } catch {
                problem(error)
                return nil
            }
        }
        if case .bundled(let path, let image) = spec.kernel {
            kernel = digest(path)
            initrd = image.flatMap(digest)
        }
        if case .block(let path) = spec.root { guestRoot = digest(path) }
        for program in programs {
            self.programs.append(
                Program(name: program.name, path: program.path, digest: digest(program.path)))
        }
        stamps = found
    }

    /// The first file that is not what it was; nil when all are.
    var changedFile: FilePath? {
        stamps.first { (try? DigestCache.stamp(of: $0.path, tree: $0.tree)) != $0.stamp }?.path
    }

    var json: JSONValue {
        func value(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return [
            "kernel": value(kernel), "initrd": value(initrd), "guestRoot": value(guestRoot),
            "programs": .array(
                programs.enumerated().map { number, program in
                    [
                        "name": .string(program.name), "path": .string(program.path.string),
                        "version": value(number == 0 ? version : nil), "digest": value(program.digest),
                    ]
                }),
        ]
    }
}

/// Whether the pod was measured, and into what.
enum MachineMeasurement: Equatable {
    case off
    /// The digests of both events, in hexadecimal digits.
    case done(tpm: String, pod: String, machine: String)
    case failed(String)

    var members: [(String, JSONValue)] {
        switch self {
        case .off: [("measured", .null)]
        case .done(let tpm, let pod, let machine):
            [("measured", ["tpm": .string(tpm), "pod": .string(pod), "machine": .string(machine)])]
        case .failed(let problem): [("measured", .null), ("measurementProblem", .string(problem))]
        }
    }
}
