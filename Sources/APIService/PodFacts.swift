// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// What the service knows of a pod: its status as the commands show it, and what they show elsewhere.
package struct PodFacts: Sendable {
    package var status: PodStatus
    /// Nil when there is none, or it cannot be read.
    package var manifest: PodManifest?
    /// What `rkt cat-manifest --pretty-print=false` writes; only where details are wanted.
    package var encodedManifest: String?
    /// The manifests of the apps' images as bytes, by the apps' names; only where details are wanted.
    package var imageManifests: [String: [UInt8]]
    /// Below the hierarchy's root; empty when the pod does not run.
    package var controlGroup: String

    package init(
        status: PodStatus, manifest: PodManifest? = nil, encodedManifest: String? = nil,
        imageManifests: [String: [UInt8]] = [:], controlGroup: String = ""
    ) {
        self.status = status
        self.manifest = manifest
        self.encodedManifest = encodedManifest
        self.imageManifests = imageManifests
        self.controlGroup = controlGroup
    }

    /// Whether all of it is known that filters ask for.
    package var isReadable: Bool { manifest != nil && status.error == nil }
}

/// The control group of a process, by `/proc/PID/cgroup` (cgroups(7)).
package enum ControlGroupText {
    /// Its path in the hierarchy `name=systemd`, or in the unified one where that is not mounted; nil when neither is told.
    package static func path(in text: String) -> String? {
        var unified: String?
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if parts[1] == "name=systemd" { return String(parts[2]) }
            if parts[0] == "0", parts[1].isEmpty { unified = String(parts[2]) }
        }
        return unified
    }

    /// Whether a group is another one, or below it.
    package static func isBelow(_ group: String, _ other: String) -> Bool {
        guard !other.isEmpty else { return false }
        let prefix = other.hasSuffix("/") ? other : other + "/"
        return group.utf8.elementsEqual(other.utf8) || group.utf8.starts(with: prefix.utf8)
    }
}
