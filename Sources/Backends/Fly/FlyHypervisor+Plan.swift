// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import SystemPackage

extension FlyHypervisor {
    /// What every app finds of the host.
    private static let hostDirectories: [FilePath] = ["/dev", "/proc", "/sys"]
    private static let temporary: FilePath = "/tmp"

    package func plan(for spec: MachineSpec) throws -> FlyPlan {
        guard case .direct(let program) = spec.kernel else {
            throw RuntimeError(.unsupported, "the fly backend runs an app on the host's kernel and nothing else")
        }
        guard case .directory(let root) = spec.root else {
            throw RuntimeError(.unsupported, "the fly backend takes a directory as root, not an image")
        }
        guard spec.network == .host else {
            throw RuntimeError(
                .unsupported,
                "network attachment \"\(spec.network.kind.rawValue)\" cannot be used with the fly backend")
        }
        guard !program.arguments.isEmpty else {
            throw RuntimeError(.invalidArgument, "the app of pod \(spec.uuid) has nothing to execute")
        }
        let volumes = try spec.shares.map { try Self.mount($0, pod: spec.workingDirectory) }
        var mounts = Self.hostDirectories.map { FlyMount(source: .host($0), target: $0) }
        mounts.append(FlyMount(source: .memory, target: Self.temporary))
        // A volume goes before what would be in its place.
        let taken = Set(volumes.map(\.target))
        return FlyPlan(
            root: root, mounts: mounts.filter { !taken.contains($0.target) } + volumes, program: program,
            inheritedDescriptors: spec.inheritedDescriptors.map(\.rawValue))
    }

    private static func mount(_ share: Share, pod: FilePath) throws -> FlyMount {
        guard case .bind(let source, let target, let isRecursive, let readOnly) = share else {
            throw RuntimeError(
                .unsupported, "share \"\(share.tag)\" has a transport that the fly backend has no use for; bind it")
        }
        return FlyMount(
            source: source.starts(with: pod)
                ? .pod(source, readOnly: readOnly)
                : .volume(source, isRecursive: isRecursive, readOnly: readOnly),
            target: target)
    }
}
