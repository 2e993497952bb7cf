// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HostConfiguration
import ImageFetch
import SystemPackage

/// A pod as the command line describes it: the flags' texts, parsed when the manifest is built.
package struct PodRequest: Sendable {
    package var apps: [AppRequest] = []
    /// A manifest to use in place of `apps` and everything that would go into one.
    package var podManifest: FilePath?
    package var stage1: Stage1Selection = .standard
    /// When its images are looked for elsewhere than in the store.
    package var pullPolicy: PullPolicy = .new
    package var storage: RootStorage = .overlayWherePossible
    /// `NAME=VALUE` for all apps.
    package var setEnvironment: [String] = []
    /// Files of such lines; `#` and `;` begin a comment.
    package var setEnvironmentFiles: [FilePath] = []
    /// Whether apps get the caller's variables that nothing else sets.
    package var inheritsEnvironment = false
    package var volumes: [String] = []
    package var mounts: [String] = []
    /// `NAME:[HOSTIP:]HOSTPORT`; in a pod that begins without apps `NAME:PROTOCOL:PORT:[HOSTIP:]HOSTPORT`.
    package var ports: [String] = []
    /// Whether the pod begins without apps, and they are added while it runs.
    package var isMutable = false
    /// Whether the users of the pod must not be the host's.
    package var privateUsers = false
    /// `NAME=VALUE` for the pod.
    package var annotations: [String] = []
    package var userAnnotations: [String] = []
    package var userLabels: [String] = []

    package init() {}
}

/// One image of the command line and the flags that follow it.
package struct AppRequest: Sendable {
    /// Hash, path, URL or name.
    package var image: String
    package var name: String?
    /// Replaces the image's program and its arguments.
    package var exec: String?
    /// What stands after `--`.
    package var arguments: [String] = []
    package var user: String?
    package var group: String?
    /// Decimal numbers separated by commas.
    package var supplementaryGIDs: String?
    package var workingDirectory: String?
    /// Names separated by commas.
    package var capabilitiesRetain: String?
    package var capabilitiesRemove: String?
    /// `mode=retain|remove[,errno=NAME],name…`
    package var seccomp: String?
    package var memory: String?
    package var cpu: String?
    package var cpuShares: String?
    package var oomScoreAdjust: String?
    /// `NAME=VALUE` each.
    package var environment: [String] = []
    package var mounts: [String] = []
    package var annotations: [String] = []
    package var userAnnotations: [String] = []
    package var userLabels: [String] = []
    package var readOnlyRootfs: Bool?
    /// File with the image's detached signature.
    package var signature: String?
    /// Volumes that are mounted at once, as in `name=NAME,kind=host,source=PATH,target=PATH`.
    package var mountedVolumes: [String] = []
    /// What the app's standard streams are connected to: `null`, `log`, `tty` or `stream`.
    package var stdin: String?
    package var stdout: String?
    package var stderr: String?

    package init(image: String) {
        self.image = image
    }
}

/// Which stage1 image a pod gets.
package enum Stage1Selection: Sendable, Equatable {
    /// The installed one.
    case standard
    case path(FilePath)
    case url(String)
    case name(String)
    case hash(String)
    /// A file in the directory of installed stage1 images.
    case fromDirectory(String)
}

/// How the writable roots of a pod come about.
package enum RootStorage: Sendable, Equatable {
    /// Overlays on the shared trees, or copies of them where the data directory cannot hold overlays.
    case overlayWherePossible
    /// Overlays, or an error.
    case overlay
    case copies
}

/// What is decided when a pod starts, whether it was prepared earlier or not.
package struct RunOptions: Sendable {
    /// The values of `--net`.
    package var networks = ["default"]
    package var hostname: String?
    package var names = NameOptions()
    /// The value of `--ipc`.
    package var ipc: String?
    /// Whether the pod is to be known to the metadata service.
    package var registersWithMetadata = false
    /// The only app gets the caller's terminal.
    package var isInteractive = false
    /// Where to write the pod's UUID.
    package var uuidFileSave: FilePath?
    /// The size of a machine that apps are added to; what is nil is as configured.
    package var sandbox = SandboxSize()

    package init() {}
}
