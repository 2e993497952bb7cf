// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Where things are in the guest.
package enum GuestLayout {
    /// This program.
    package static let program: FilePath = "/usr/lib/rkt/rkt-guest"
    package static let systemd: FilePath = "/usr/lib/systemd/systemd"
    /// State of the pod in the guest, on a tmpfs.
    package static let state: FilePath = "/run/rkt"
    /// One file an app: its encoded `PodConfiguration.App`.
    package static let apps: FilePath = "/run/rkt/apps"
    /// One line: the names of the pod's apps, so that the agent knows whose lines to pass on.
    package static let settings: FilePath = "/run/rkt/settings"
    /// Files that are bind-mounted into app roots.
    package static let shared: FilePath = "/run/rkt/shared"
    /// The one of the pod's shared files with that number.
    package static func sharedFile(_ number: Int) -> FilePath { shared.appending("file-\(number)") }
    /// Where programs of the guest reach the agent.
    package static let agentSocket: FilePath = "/run/rkt/agent.sock"
    /// Only in a mutable pod: a `PodConfiguration` that tells of the files that all apps share, and nothing else.
    package static let mutablePod: FilePath = "/run/rkt/mutable"
    /// Holds the roots of a mutable pod's apps, by number, in the share of all roots.
    package static let liveRoots: FilePath = "/opt/stage2/.live"
    package static let units: FilePath = "/run/systemd/system"
    /// Where the service manager answers root.
    package static let systemdSocket: FilePath = "/run/systemd/private"
    package static let machineID: FilePath = "/run/machine-id"
    package static let journalDirectory: FilePath = "/run/systemd/journal"
    package static let journalFiles: FilePath = "/run/log/journal"

    /// Where services speak to the guest's systemd (sd_notify(3)); at the same place in the roots of apps that do.
    package static let notifySocket: FilePath = "/run/systemd/notify"

    package static func app(_ name: String) -> FilePath { apps.appending(name) }
}

/// Names of the ports to the host, which its plan gives them.
package enum PortName {
    package static let boot = "rkt.boot"
    package static let agent = "rkt.agent"
}
