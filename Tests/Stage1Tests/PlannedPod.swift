// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import Networking
import PodStore
import Stage1
import SystemPackage
import TestSupport

/// The directory of a pod of one app, from which plans are made.
struct PlannedPod {
    let scratch: ScratchDirectory
    let layout: PodLayout

    private static let digest = "sha512-" + String(repeating: "0", count: 128)
    static let uuid = "6733c088-a507-4694-aabf-eda1cf9aee7c"

    /// - Parameters:
    ///   - volumes: members of the manifest's list.
    ///   - mounts: the volume and the path of each.
    ///   - points: members of the app's list.
    ///   - isolators: members of the app's list.
    ///   - appAnnotations: members of the list in the pod's manifest; `imageAnnotations` of that in the image's.
    ///   - streams: modes of the app's standard streams, by their names.
    ///   - links: symbolic links of the app's image, the target by the path.
    ///   - environment: variables of the app.
    init(
        volumes: [String] = [], mounts: [(String, String)] = [], points: [String] = [], isolators: [String] = [],
        links: [(String, String)] = [], appAnnotations: [String] = [], imageAnnotations: [String] = [],
        streams: [(String, String)] = [],
        environment: [(String, String)] = []
    ) throws {
        scratch = try ScratchDirectory()
        layout = PodLayout(directory: scratch.appending("pod"))
        let root = layout.appRootfs("a")
        for directory in [layout.appInfo("a"), root] { try FileSystem.makeDirectories(directory) }
        for (path, target) in links {
            let link = root.pushing(FilePath(path))
            try FileSystem.makeDirectories(link.removingLastComponent())
            try FileSystem.makeSymbolicLink(to: target, at: link)
        }
        let variables = environment.map { #"{"name":"\#($0.0)","value":"\#($0.1)"}"# }.joined(separator: ",")
        let mounts = mounts.map { #"{"volume":"\#($0.0)","path":"\#($0.1)"}"# }.joined(separator: ",")
        let annotations =
            appAnnotations + streams.map { #"{"name":"coreos.com/rkt/stage2/\#($0.0)","value":"\#($0.1)"}"# }
        let manifest = """
            {"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"\(Self.digest)"},
             "app":{"exec":["/a"],"user":"0","group":"0","environment":[\(variables)],
              "mountPoints":[\(points.joined(separator: ","))],
              "isolators":[\(isolators.joined(separator: ","))]},"mounts":[\(mounts)],
              "annotations":[\(annotations.joined(separator: ","))]}],
             "volumes":[\(volumes.joined(separator: ","))]}
            """
        try FileSystem.write(manifest.utf8, to: layout.manifest)
        let image = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a",
             "annotations":[\(imageAnnotations.joined(separator: ","))]}
            """
        try FileSystem.write(image.utf8, to: layout.imageManifest("a"))
    }

    /// - Parameter names: what the pod's networks say.
    func plan(
        _ arguments: [String] = [], names: NetworkResult.DNS? = nil, processors: Int = 2, memory: Int = 4096,
        capabilities: HypervisorCapabilities = [.ownKernel, .virtiofs, .executableKernel, .agent],
        controllers: Set<String>? = nil, memoryLimit: Int64? = nil, watchdog: Int? = nil
    ) throws -> PodPlan {
        try PodPlan(
            pod: layout, arguments: EntrypointArguments(parsing: arguments + [Self.uuid]), capabilities: capabilities,
            interfaces: [], names: names, inherited: [], extraKernelParameters: nil, hostProcessors: processors,
            hostMemory: memory, controllers: controllers, machineUser: nil,
            memoryLimit: memoryLimit, watchdog: watchdog)
    }

    /// What `--dry-run` shows.
    func preview(_ arguments: [String] = [], processors: Int = 2) throws -> JSONValue {
        MachinePreview(
            try plan(arguments, processors: processors), backend: .qemu, accelerator: AcceleratorChoice(.tcg),
            isolation: .emulation,
            networks: ResolvedNetworks(networks: [], pluginPaths: [])
        ).json
    }
}
