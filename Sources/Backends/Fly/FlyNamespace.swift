// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The step into mounts of the app's own.
enum FlyNamespace {
    /// Leaves the host's mounts to the host: what is mounted there goes on appearing here, and not the other way round.
    ///
    /// Volumes that are mount points of the host are an exception on purpose: they are made shared, with all below, and
    /// what the app mounts there is mounted on the host.
    ///
    /// - Returns: copies of those volumes, by their targets, that were taken before the step.
    static func enter(_ plan: FlyPlan) throws -> [FilePath: MountCopy] {
        let points = Set(try Mount.points(beneath: "/"))
        var copies: [FilePath: MountCopy] = [:]
        for mount in plan.mounts {
            guard case .volume(let source, let isRecursive, _) = mount.source else { continue }
            let path = try Mount.realPath(source)
            guard points.contains(path) else { continue }
            do {
                try Mount.mount(source: "", target: path, type: "", flags: [.recursive, .shared])
                copies[mount.target] = try MountCopy(of: path, isRecursive: isRecursive)
            } catch {
                throw RuntimeError(.internal, "mounts below \(source) cannot be shared with the app", cause: error)
            }
        }
        do {
            try Mount.leaveNamespace()
        } catch {
            throw RuntimeError(.internal, "the app cannot be given mounts of its own", cause: error)
        }
        return copies
    }
}
