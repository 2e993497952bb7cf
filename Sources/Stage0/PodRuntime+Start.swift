// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import LinuxPlatform
import Networking
import PodStore

/// What is decided about the start of a pod before anything of it is changed. Stage1 learns it from its arguments and from
/// the pod's directory.
struct StartChoices {
    let options: RunOptions
    /// What the pod's machine is to be like.
    let hypervisor: HypervisorConfiguration
    /// How the pod is measured.
    let measurement: MeasurementConfiguration
    let networks: PodNetworking
}

/// What stage1 is told when a pod starts.
struct StartCall {
    let interface: Stage1Interface
    let names: NameFiles
    let arguments: [String]
    /// Names the pod to the metadata service; nil for one that is not registered.
    let metadataToken: String?
}

extension PodRuntime {
    /// - Throws: when a configuration file cannot be understood, a network does not exist, or the stage1 image cannot do
    ///   what is asked for.
    func choices(_ options: RunOptions, _ stage1: Stage1Interface) throws -> StartChoices {
        _ = try stage1.runPath()
        try stage1.check(options)
        let configuration = try HostConfiguration(
            reading: settings.configuration, [HypervisorConfiguration.self, MeasurementConfiguration.self])
        var hypervisor = configuration[HypervisorConfiguration.self]
        hypervisor.sandbox.override(with: options.sandbox)
        try stage1.check(hypervisor)
        if let warning = stage1.warning(of: settings.insecure) { notices.warning("stage0", warning) }
        return StartChoices(
            options: options, hypervisor: hypervisor, measurement: configuration[MeasurementConfiguration.self],
            networks: try podNetworking(options, stage1))
    }

    func startCall(_ uuid: PodUUID, _ layout: PodLayout, _ choices: StartChoices) throws -> StartCall {
        let options = choices.options
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(layout.stage1Manifest)))
        let names = try NameFiles(options.names)
        var request = RunArguments(uuid: uuid)
        request.networks = [choices.networks.selection.text]
        request.nameFiles = names.mode
        request.isDebug = settings.isDebug
        request.isInteractive = options.isInteractive
        request.hostname = options.hostname
        request.users = try layout.readUsers()
        request.isMutable = FileSystem.exists(layout.live)
        request.localConfiguration = settings.localConfiguration.string
        request.insecure = settings.insecure
        let token = metadataToken(options)
        request.metadataToken = token
        return StartCall(
            interface: interface, names: names, arguments: interface.runArguments(request), metadataToken: token)
    }

    /// Mounts a pod's roots and leaves what stage1 looks for.
    ///
    /// - Parameter lock: the descriptor that stage1 inherits.
    /// - Returns: how its entrypoints are called.
    func setUp(
        _ layout: PodLayout, _ uuid: PodUUID, lock: Int32, _ start: StartCall, _ choices: StartChoices
    ) throws -> EntrypointCall {
        try assignLabels(to: layout, start.interface, choices.hypervisor)
        try mountRoots(layout)
        try write(start.names, hostname: choices.options.hostname, layout, uuid)
        try choices.networks.resolved.write(to: layout.networks)
        try choices.hypervisor.write(pod: layout.hypervisorConfiguration)
        try choices.measurement.write(pod: layout.measurementConfiguration)
        try FileSystem.write("\(InstalledPrograms.directory())\n".utf8, to: layout.programs)
        var variables = ProcessImage.environment.filter { !$0.hasPrefix("RKT_LOCK_FD=") }
        if !start.interface.takesSockets { variables = PassedSockets.removeVariables(from: variables) }
        return EntrypointCall(layout: layout, environment: variables + ["RKT_LOCK_FD=\(lock)"], inherited: lock)
    }

    /// Looks at how the program ended that says whether a pod can run.
    func check(_ exit: ProcessExit, _ uuid: PodUUID) throws {
        if case .signalled = exit {
            throw RuntimeError(.internal, "the preflight of pod \"\(uuid)\" ended with \(exit)")
        }
        guard exit == .exited(0) else { throw PreflightFailure(uuid: uuid, exit: exit) }
    }

    /// Leaves the files that stage1 shows to the apps.
    private func write(_ names: NameFiles, hostname: String?, _ layout: PodLayout, _ uuid: PodUUID) throws {
        if names.resolver == .stage0 || names.hosts == .stage0 {
            try FileSystem.makeDirectories(layout.stage1Resolver.removingLastComponent())
        }
        if names.resolver == .stage0 { try FileSystem.write(names.resolverText.utf8, to: layout.stage1Resolver) }
        if names.hosts == .stage0 {
            let hostname = hostname.flatMap { $0.isEmpty ? nil : $0 } ?? "rkt-\(uuid)"
            try FileSystem.write(names.hostsText(hostname: hostname).utf8, to: layout.stage1Hosts)
        }
    }
}

/// Stage1 has said that it cannot run a pod. It has told the user why: nothing more needs to be shown.
package struct PreflightFailure: Error, CustomStringConvertible {
    package let uuid: PodUUID
    package let exit: ProcessExit

    package var description: String { "stage1 cannot run pod \"\(uuid)\": its preflight ended with \(exit)" }
}
