// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Everything the guest learns of its pod, sent on the boot port in answer to the shim's HELLO.
package struct PodConfiguration: Equatable, Sendable {
    package var hostname: String
    /// 32 hexadecimal digits: the pod's UUID without dashes (machine-id(5)).
    package var machineID: String
    /// Whether shim, agent and systemd tell what they do on the console.
    package var debug: Bool
    /// Settings of the guest's kernel, in order.
    package var kernelSettings: [KernelSetting]
    /// Those that the machine has, beside the loopback interface.
    package var interfaces: [Interface]
    package var shares: [Share]
    package var files: [File]
    /// Files that all apps get in place of their images' own.
    package var sharedFiles: [SharedFile]
    package var apps: [App]
    /// Whether apps come and go while the pod runs; none is there at its start.
    package var isMutable: Bool

    package init(
        hostname: String, machineID: String, debug: Bool = false, kernelSettings: [KernelSetting] = [],
        interfaces: [Interface] = [], shares: [Share] = [], files: [File] = [], sharedFiles: [SharedFile] = [],
        apps: [App] = [], isMutable: Bool = false
    ) {
        self.hostname = hostname
        self.machineID = machineID
        self.debug = debug
        self.kernelSettings = kernelSettings
        self.interfaces = interfaces
        self.shares = shares
        self.files = files
        self.sharedFiles = sharedFiles
        self.apps = apps
        self.isMutable = isMutable
    }

    /// A value for a file below `/proc/sys` (proc(5)).
    package struct KernelSetting: Equatable, Sendable {
        /// The file's path below that directory.
        package var path: String
        package var value: String

        package init(path: String, value: String) {
            self.path = path
            self.value = value
        }
    }

    /// A file system of the host, mounted by its tag before anything else of the pod.
    package struct Share: Equatable, Sendable {
        /// Type for mount(2): `virtiofs` or `9p`.
        package var type: String
        package var tag: String
        package var mountPoint: String
        package var options: String
        package var readOnly: Bool
        /// Whether device nodes and set-user-ID bits of the share mean nothing.
        package var forbidsDevices: Bool

        package init(
            type: String, tag: String, mountPoint: String, options: String = "", readOnly: Bool = false,
            forbidsDevices: Bool = false
        ) {
            self.type = type
            self.tag = tag
            self.mountPoint = mountPoint
            self.options = options
            self.readOnly = readOnly
            self.forbidsDevices = forbidsDevices
        }
    }

    /// A directory or file of the guest that appears in an app's root.
    package struct Mount: Equatable, Sendable {
        package var source: String
        /// Absolute within the app's root; made when it is missing.
        package var target: String
        package var readOnly: Bool
        package var forbidsDevices: Bool

        package init(source: String, target: String, readOnly: Bool = false, forbidsDevices: Bool = false) {
            self.source = source
            self.target = target
            self.readOnly = readOnly
            self.forbidsDevices = forbidsDevices
        }
    }

    /// A file or symbolic link of the pod, made below `/run` of the guest.
    package struct File: Equatable, Sendable {
        package enum Content: Equatable, Sendable {
            case text(String)
            case link(String)
        }
        /// Absolute; starts with `/run/`.
        package var path: String
        package var content: Content
        package init(path: String, content: Content) {
            self.path = path
            self.content = content
        }
    }

    /// A file that is the same in the roots of all apps.
    package struct SharedFile: Equatable, Sendable {
        /// Absolute within the apps' roots; made when it is missing.
        package var path: String
        package var contents: [UInt8]
        package var readOnly: Bool

        package init(path: String, contents: [UInt8], readOnly: Bool = false) {
            self.path = path
            self.contents = contents
            self.readOnly = readOnly
        }
    }

    /// How one app's programs are run.
    package struct App: Equatable, Sendable {
        package var name: String
        /// Root directory of the app in the guest.
        package var root: String
        package var exec: [String]
        package var preStart: [String]
        package var postStop: [String]
        package var workingDirectory: String
        /// `NAME=value` each, in order.
        package var environment: [String]
        package var uid: UInt32
        package var gid: UInt32
        package var supplementaryGIDs: [UInt32]
        /// Bit N is capability N of capabilities(7).
        package var capabilityBoundingSet: UInt64
        package var noNewPrivileges: Bool
        /// What the kernel executes at each system call (seccomp(2)): eight bytes an instruction; none for no filter.
        package var systemCallFilter: [UInt8]
        package var readOnlyRoot: Bool
        /// Whether kernel paths such as /proc/sysrq-trigger are read-only or masked.
        package var protectsKernelPaths: Bool
        package var mounts: [Mount]
        /// What the standard streams of the main program are connected to; standard input never to the journal.
        package var input: StreamMode
        package var output: StreamMode
        package var error: StreamMode
        /// Whether the main program finds the guest's service manager, to say that it is ready (sd_notify(3)).
        package var supportsNotify = false
        /// Whether what goes to the journal by standard error is told apart there: its facility is `JournalEntry.errorFacility`.
        package var marksErrors = false

        package init(
            name: String, root: String, exec: [String], preStart: [String] = [], postStop: [String] = [],
            workingDirectory: String = "/", environment: [String] = [], uid: UInt32 = 0, gid: UInt32 = 0,
            supplementaryGIDs: [UInt32] = [], capabilityBoundingSet: UInt64 = 0, noNewPrivileges: Bool = false,
            systemCallFilter: [UInt8] = [], readOnlyRoot: Bool = false, protectsKernelPaths: Bool = true,
            mounts: [Mount] = [], input: StreamMode = .nothing, output: StreamMode = .journal,
            error: StreamMode = .journal
        ) {
            self.name = name
            self.root = root
            self.exec = exec
            self.preStart = preStart
            self.postStop = postStop
            self.workingDirectory = workingDirectory
            self.environment = environment
            self.uid = uid
            self.gid = gid
            self.supplementaryGIDs = supplementaryGIDs
            self.capabilityBoundingSet = capabilityBoundingSet
            self.noNewPrivileges = noNewPrivileges
            self.systemCallFilter = systemCallFilter
            self.readOnlyRoot = readOnlyRoot
            self.protectsKernelPaths = protectsKernelPaths
            self.mounts = mounts
            self.input = input
            self.output = output
            self.error = error
        }
    }
}
