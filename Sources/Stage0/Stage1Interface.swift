// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking

/// The contract between this program and a stage1 image: entrypoints named by annotations, and their arguments.
package struct Stage1Interface: Sendable {
    /// The programs of a stage1 image that this program executes.
    package enum Entrypoint: String, Sendable, CaseIterable {
        case run, enter, gc, stop
        /// Shares an app's streams with whoever started it otherwise; optional.
        case attach
        /// Run to its end before `run`, with the same arguments; optional, it says early that `run` would fail. What it
        /// leaves on the host is taken over by `run`, or undone by `gc`.
        case preflight
        /// Run in place of `run`, with the same arguments; optional, it says what machine the pod would get.
        case plan
        /// Run without a pod; optional, it says what this host can do for pods of the image.
        case survey
        /// Run while the pod does; optional, and all or none of them. They change which apps it has, and which of them run.
        case addApp = "app/add"
        case startApp = "app/start"
        case stopApp = "app/stop"
        case removeApp = "app/rm"

        package var annotation: String { "coreos.com/rkt/stage1/\(rawValue)" }
    }

    /// The newest interface version this program speaks.
    package static let newestVersion = 5

    package let version: Int
    /// Whether a pod has a kernel, and with it users, of its own.
    package let hasOwnKernel: Bool
    /// Whether `run` takes sockets of systemd's socket activation, as descriptors and in the environment (sd_listen_fds(3)).
    package let takesSockets: Bool
    /// Whether pods are on the host's network, whatever `run` is told.
    package let isOnHostNetwork: Bool
    /// Whether `run` becomes the pod's app, so that nobody is left to tell how that ends.
    package let isDirect: Bool
    /// Whether `run` takes the user ids of a pod that is to have its own.
    package let takesUsers: Bool
    /// Whether `run` reads the file `metadata` of the pod; others are told the token.
    package let readsMetadataFile: Bool
    /// The image's name, for messages.
    let image: String
    private let paths: [Entrypoint: String]

    /// - Throws: when an annotation is malformed.
    package init(_ manifest: ImageManifest) throws {
        let annotation = "coreos.com/rkt/stage1/interface-version"
        let text = manifest.annotation(annotation) ?? "1"
        guard let version = Int(text), version > 0 else {
            throw RuntimeError(
                .invalidArgument,
                "stage1 image \"\(manifest.name)\" has the interface version \"\(text)\", not a number")
        }
        guard version <= Self.newestVersion else {
            throw RuntimeError(
                .unsupported,
                "stage1 image \"\(manifest.name)\" has the interface version \(version), newer than the "
                    + "\(Self.newestVersion) of this rkt; use an older image")
        }
        self.version = version
        image = "\(manifest.name)"
        hasOwnKernel = manifest.annotation("coreos.com/rkt/stage1/own-kernel") == "true"
        takesSockets = manifest.annotation("coreos.com/rkt/stage1/socket-activation") == "true"
        isOnHostNetwork = manifest.annotation("coreos.com/rkt/stage1/host-network") == "true"
        isDirect = manifest.annotation("coreos.com/rkt/stage1/direct") == "true"
        takesUsers = manifest.annotation("coreos.com/rkt/stage1/private-users") == "true"
        readsMetadataFile = manifest.annotation("coreos.com/rkt/stage1/metadata-file") == "true"
        var paths: [Entrypoint: String] = [:]
        for entrypoint in Entrypoint.allCases {
            guard let path = manifest.annotation(entrypoint.annotation) else { continue }
            let components = path.split(separator: "/")
            guard !components.isEmpty, !components.contains("..") else {
                throw RuntimeError(
                    .invalidArgument,
                    "stage1 image \"\(manifest.name)\" has \"\(path)\" as its \(entrypoint.rawValue) entrypoint")
            }
            paths[entrypoint] = components.joined(separator: "/")
        }
        self.paths = paths
    }

    /// The path of an entrypoint below stage1's root, without a leading slash.
    package func path(_ entrypoint: Entrypoint) -> String? { paths[entrypoint] }

    /// The same for the entrypoint without which there is no pod.
    package func runPath() throws -> String {
        guard let path = path(.run) else {
            throw RuntimeError(
                .unsupported,
                "stage1 image \"\(image)\" has no run entrypoint: it lacks the annotation "
                    + "\(Entrypoint.run.annotation); use another image")
        }
        return path
    }

    private var takesHostname: Bool { version >= 2 }

    private var takesInsecureOptions: Bool { version >= 3 }

    /// Whether `run` can be told where apps' `/etc/resolv.conf` and `/etc/hosts` come from.
    package var takesNameFiles: Bool { version >= 4 }

    /// Refuses users of the pod's own where it cannot have them.
    func checkPrivateUsers() throws {
        guard hasOwnKernel || takesUsers else {
            throw RuntimeError(
                .unsupported,
                "--private-users is not supported with stage1 image \"\(image)\", whose pods have the host's users; use "
                    + "another one")
        }
    }

    /// Refuses what a user asks for and `run` cannot be told.
    package func check(_ options: RunOptions) throws {
        func refuse(_ flags: String) -> RuntimeError {
            RuntimeError(.unsupported, "stage1 image \"\(image)\" is too old for \(flags); use another one")
        }
        guard try takesNameFiles || NameFiles(options.names).isStandard else {
            throw refuse("--dns and --hosts-entry")
        }
        guard takesHostname || (options.hostname ?? "").isEmpty else { throw refuse("--hostname") }
        guard
            try !options.registersWithMetadata || path(.preflight) != nil || isOnHostNetwork
                || NetworkSelection(parsing: options.networks) == .host
        else {
            throw RuntimeError(
                .unsupported,
                "--mds-register is not supported with stage1 image \"\(image)\", which has no preflight entrypoint: the "
                    + "addresses of its pods are not known before they run; use another one")
        }
    }

    /// A warning of restrictions that stay, as `run` cannot be told to lift them; nil when there are none.
    package func warning(of insecure: InsecureOptions) -> String? {
        guard !takesInsecureOptions else { return nil }
        let single: [InsecureOptions] = [.capabilities, .paths, .seccomp]
        let kept = InsecureOptions.words.filter { single.contains($0.option) && insecure.contains($0.option) }
        guard !kept.isEmpty else { return nil }
        let flag = "--insecure-options=\(kept.map { $0.word }.joined(separator: ","))"
        return "\(flag) does nothing: stage1 image \"\(image)\" is too old to be told of it; use another one"
    }

    /// Arguments of `run` and `preflight` after argv[0].
    package func runArguments(_ request: RunArguments) -> [String] {
        var arguments: [String] = []
        if request.isDebug { arguments.append("--debug") }
        arguments.append("--net=" + request.networks.joined(separator: ","))
        if request.isInteractive { arguments.append("--interactive") }
        arguments.append("--local-config=\(request.localConfiguration)")
        if let users = request.users { arguments.append("--private-users=\(users)") }
        if request.isMutable { arguments.append("--mutable") }
        if takesHostname, let hostname = request.hostname { arguments.append("--hostname=\(hostname)") }
        if takesInsecureOptions { arguments += Self.insecureArguments(request.insecure) }
        if takesNameFiles { arguments.append("--dns-conf-mode=\(request.nameFiles)") }
        // Arguments can be read by every user of the host.
        if !readsMetadataFile, let token = request.metadataToken { arguments.append("--mds-token=\(token)") }
        return arguments + [request.uuid.description]
    }

    static func insecureArguments(_ insecure: InsecureOptions) -> [String] {
        var arguments: [String] = []
        if insecure.contains(.capabilities) { arguments.append("--disable-capabilities-restriction") }
        if insecure.contains(.paths) { arguments.append("--disable-paths") }
        if insecure.contains(.seccomp) { arguments.append("--disable-seccomp") }
        return arguments
    }

    /// Arguments of `enter` after argv[0].
    package func enterArguments(pid: Int32, app: String, command: [String]) -> [String] {
        ["--pid=\(pid)", "--appname=\(app)", "--"] + command
    }

    /// Arguments of `stop` after argv[0].
    package func stopArguments(force: Bool, uuid: PodUUID) -> [String] {
        (force ? ["--force"] : []) + [uuid.description]
    }

    /// Arguments of `gc` after argv[0].
    package func collectArguments(isDebug: Bool, localConfiguration: String, uuid: PodUUID) -> [String] {
        var arguments = isDebug ? ["--debug"] : []
        if version >= 5 { arguments.append("--local-config=\(localConfiguration)") }
        return arguments + [uuid.description]
    }
}

/// What the `run` entrypoint is told.
package struct RunArguments: Sendable {
    package var uuid: PodUUID
    package var isDebug = false
    package var networks = ["none"]
    package var isInteractive = false
    package var localConfiguration = "/etc/rkt"
    /// What the pod has in place of the host's users.
    package var users: UserRange?
    /// Nil leaves the choice to stage1, which takes `rkt-UUID`.
    package var hostname: String?
    package var insecure: InsecureOptions = []
    /// Whether apps are added to the pod and removed from it while it runs.
    package var isMutable = false
    /// Where the apps' resolv.conf and hosts files come from.
    package var nameFiles = "resolv=default,hosts=default"
    /// Names the pod to the metadata service.
    package var metadataToken: String?

    package init(uuid: PodUUID) {
        self.uuid = uuid
    }
}
