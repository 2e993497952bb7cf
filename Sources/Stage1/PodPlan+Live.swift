// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import HostConfiguration
import Hypervisor
import PodStore
import SystemPackage

/// Pods that apps are added to while they run.
extension PodPlan {
    /// Where the guest finds volumes of the host that come later.
    static let guestVolumes = "/run/rkt/live"
    private static let liveTag = "rkt.live"
    /// MiB.
    private static let leastMemory = 512
    private static let mostMemory = 4096
    private static let overhead = 128
    private static let mostProcessorsUnasked = 8

    static func checkMutable(_ arguments: EntrypointArguments, _ manifest: PodManifest, hasAgent: Bool) throws {
        guard arguments.isMutable else { return }
        guard hasAgent else {
            throw RuntimeError(.unsupported, "apps cannot be added to a pod that nothing supervises")
        }
        guard manifest.apps.isEmpty else {
            throw RuntimeError(.unsupported, "a pod that apps are added to while it runs begins without one")
        }
    }

    /// How later volumes of the host get into a machine with a kernel of its own. Both sides see within a second what the
    /// other has done. What may not be written is read-only on the host, whatever the guest does.
    static func liveShare(
        _ pod: PodLayout, _ capabilities: HypervisorCapabilities
    ) -> (share: Share, guest: PodConfiguration.Share) {
        guard capabilities.contains(.virtiofs) else {
            let guest = PodConfiguration.Share(
                type: "9p", tag: liveTag, mountPoint: guestVolumes, options: VolumePlan.plan9Options,
                forbidsDevices: true)
            return (.plan9(tag: liveTag, source: pod.live, readOnly: false), guest)
        }
        let guest = PodConfiguration.Share(
            type: "virtiofs", tag: liveTag, mountPoint: guestVolumes, forbidsDevices: true)
        return (.virtiofs(tag: liveTag, source: pod.live, cache: .auto, readOnly: false), guest)
    }

    /// The same on the host's kernel.
    static func liveBind(_ pod: PodLayout) -> Share {
        .bind(source: pod.live, target: FilePath(guestVolumes), isRecursive: true, readOnly: false)
    }

    /// MiB of a machine whose apps are not known yet.
    static func sandboxMemory(_ size: SandboxSize, host: Int) -> Int {
        guard let bytes = size.memory else { return min(max(host / 4, leastMemory), mostMemory) }
        let asked = (bytes >> 20) + (bytes & ((1 << 20) - 1) == 0 ? 0 : 1)
        return max(leastMemory, asked + overhead)
    }

    static func sandboxProcessors(_ size: SandboxSize, host: Int) -> Int {
        max(1, min(size.processors ?? mostProcessorsUnasked, host))
    }
}
