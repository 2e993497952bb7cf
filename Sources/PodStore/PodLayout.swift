// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The paths below one pod's directory; nothing else in this project spells them.
package struct PodLayout: Sendable, Hashable {
    /// The pod's directory. It moves when the pod enters another phase.
    package let directory: FilePath

    package init(directory: FilePath) {
        self.directory = directory
    }

    /// The pod manifest.
    package var manifest: FilePath { directory.appending("pod") }

    package var stage1: FilePath { directory.appending("stage1") }
    /// The stage1 image's manifest, which names the entrypoints.
    package var stage1Manifest: FilePath { stage1.appending("manifest") }
    package var stage1Rootfs: FilePath { stage1.appending("rootfs") }
    /// A resolv.conf for the apps, written before stage1 is started; its name is part of the interface to stage1.
    package var stage1Resolver: FilePath { stage1Rootfs.appending("etc").appending("rkt-resolv.conf") }
    /// The same for their hosts file.
    package var stage1Hosts: FilePath { stage1Rootfs.appending("etc").appending("rkt-hosts") }
    /// Holds one directory per app; it is what a virtual machine gets to see of the pod.
    package var apps: FilePath { stage1Rootfs.appending("opt").appending("stage2") }
    package func appRootfs(_ app: String) -> FilePath { apps.appending(app).appending("rootfs") }

    /// What stage1 tells about the pod: statuses, environments, readiness.
    package var runtime: FilePath { stage1Rootfs.appending("rkt") }
    package var statuses: FilePath { runtime.appending("status") }
    /// The exit status of an app that ended, in decimal.
    package func status(_ app: String) -> FilePath { statuses.appending(app) }
    package var exitCauses: FilePath { runtime.appending("exit-cause") }
    /// Why an app ended, one word; written before its status.
    package func exitCause(_ app: String) -> FilePath { exitCauses.appending(app) }
    package var environments: FilePath { runtime.appending("env") }
    /// The environment of an app's main process.
    package func environment(_ app: String) -> FilePath { environments.appending(app) }
    /// A file that apps get in place of their image's own, by its number; only in a pod that nothing supervises.
    package func sharedFile(_ number: Int) -> FilePath { runtime.appending("files").appending("\(number)") }
    /// What of an app can be attached to, a JSON object; only while something can.
    package func endpoints(_ app: String) -> FilePath { endpointDirectory(app).appending("endpoints") }
    /// Holds the sockets, too, that the endpoints name.
    package func endpointDirectory(_ app: String) -> FilePath { runtime.appending("iottymux").appending(app) }
    /// A symbolic link to `ready` once the pod's apps have been started.
    package var supervisorStatus: FilePath { runtime.appending("supervisor-status") }

    /// The process that the `enter` entrypoint is given, in decimal.
    package var pidFile: FilePath { directory.appending("pid") }
    /// The parent of that process, in decimal; it has exactly one child.
    package var ppidFile: FilePath { directory.appending("ppid") }
    /// The process group of the process in `pid`, in decimal; only in a pod that nothing supervises.
    package var groupFile: FilePath { directory.appending("pgid") }
    /// When the process in `pid` was started, in clock ticks of the kernel; only in a pod that nothing supervises. With it
    /// another process that has got the number is told apart.
    package var startTimeFile: FilePath { directory.appending("start-time") }
    /// What machine runs the pod, a JSON object.
    package var machineRecord: FilePath { directory.appending("machine.json") }
    /// How long the steps before stage1 took, a JSON object of microseconds.
    package var preparation: FilePath { directory.appending("preparation.json") }
    /// The images of the pod and what vouches for them, a JSON array; written when the pod is prepared.
    package var images: FilePath { directory.appending("images.json") }
    /// What is configured for the pod's machine, a configuration file that is written before stage1 is started.
    package var hypervisorConfiguration: FilePath { directory.appending("hypervisor.json") }
    /// How the pod is to be measured, a configuration file that is written before stage1 is started.
    package var measurementConfiguration: FilePath { directory.appending("measurement.json") }
    /// What became of measuring the pod, a JSON object; absent where nothing is measured.
    package var podMeasurement: FilePath { directory.appending("measured.json") }
    /// The directory of the programs that were installed with rkt, on one line; written before stage1 is started.
    package var programs: FilePath { directory.appending("programs") }
    /// The pod's name with systemd-machined(8), on one line; gone when that does not list it any more.
    package var machineListing: FilePath { directory.appending("machine-listing") }
    /// When each step of the pod's start and end was reached, a JSON object.
    package var startLedger: FilePath { directory.appending("start-up.json") }
    /// How the pod ended, a JSON object.
    package var endRecord: FilePath { directory.appending("end.json") }
    /// The socket of the running pod's supervisor.
    package var agentSocket: FilePath { directory.appending("agent.sock") }
    /// The journal of the pod, for `rkt logs` and journalctl.
    package var journal: FilePath { directory.appending("journal") }
    /// What the kernel of the pod's machine wrote, and its first program; the end of more than 1 MiB is missing.
    package var console: FilePath { directory.appending("console.log") }
    /// The pod's networks as they were configured when it was started, a JSON object.
    package var networks: FilePath { directory.appending("networks") }
    /// What its networks have changed on the host, one line each; gone when all is undone.
    package var networkJournal: FilePath { directory.appending("network-journal") }
    /// Says where the pod's network namespace is mounted.
    package var networkNamespace: FilePath { directory.appending("netns") }
    /// The pod's networks, a JSON array.
    package var networkInfo: FilePath { directory.appending("net-info.json") }

    /// Where the pod's apps find the metadata service, a JSON object; it exists while the pod may be registered there.
    package var metadata: FilePath { directory.appending("metadata") }

    /// The host's user and group ids that the pod has for its own, `FIRST:COUNT`; absent in a pod that has the host's users.
    package var users: FilePath { directory.appending("users") }

    /// The contexts of SELinux that the pod has, chosen when it is started; absent in a pod that has none of its own.
    package var labels: FilePath { directory.appending("selinux") }

    package var appInfos: FilePath { directory.appending("appsinfo") }
    package func appInfo(_ app: String) -> FilePath { appInfos.appending(app) }
    /// The manifest of the image that an app was made from; it stays when the image is removed.
    package func imageManifest(_ app: String) -> FilePath { appInfo(app).appending("manifest") }

    /// The id of the rendered tree that an app's root is made from; image collection keeps that tree.
    package func appTreeID(_ app: String) -> FilePath { appInfo(app).appending("tree") }
    /// The id of the rendered tree that stage1's root is made from.
    package var stage1TreeID: FilePath { directory.appending("stage1-tree") }

    /// Holds the writable layers; absent in a pod that has copies of its trees.
    package var overlay: FilePath { directory.appending("overlay") }
    package var stage1Overlay: OverlayLayers { OverlayLayers(directory: overlay.appending("stage1")) }
    package func appOverlay(_ app: String) -> OverlayLayers {
        OverlayLayers(directory: overlay.appending("apps").appending(app))
    }
}

/// The writable part of one overlay mount.
package struct OverlayLayers: Sendable, Hashable {
    package let directory: FilePath

    package init(directory: FilePath) {
        self.directory = directory
    }

    /// What was written on top of the tree.
    package var upper: FilePath { directory.appending("upper") }
    /// Scratch space of the kernel (Documentation/filesystems/overlayfs.rst).
    package var work: FilePath { directory.appending("work") }
    /// Where the tree is shown, with the owners that it has in the pod, while the overlay is being mounted.
    package var lower: FilePath { directory.appending("lower") }
}
