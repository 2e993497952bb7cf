// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import LinuxPlatform
import Networking
import PodStore
import SystemPackage

/// The networks of a pod, from before its machine is planned until after its end.
struct MachineNetworks {
    /// Those of the machine, whose descriptors are open until `letGo`.
    let interfaces: [JoinedInterface]
    private let networks: PodNetworks
    private let attached: AttachedNetworks?
    /// Where plugins are run and namespaces are mounted. The supervisor may leave it.
    private let host: MountNamespace

    /// Joins the pod's networks. When it throws, everything is undone.
    init(_ pod: PodLayout, _ uuid: PodUUID, _ errors: ErrorStream) throws {
        let joint = try HypervisorConfiguration(pod: pod.hypervisorConfiguration).interfaces ?? .standard
        host = try MountNamespace()
        networks = PodNetworks(uuid: uuid, pod: pod)
        let ports = try PodManifest(parsing: FileSystem.read(pod.manifest)).forwardedPorts { $0.app }
        attached = try networks.setUp(for: .virtualMachine, ports: ports)
        do {
            interfaces = if let attached { try networks.join(attached, by: PodNetworks.Joint(joint)) } else { [] }
        } catch {
            if let failure = networks.tearDown().failures.first { throw CleanupError(primary: error, cleanup: failure) }
            throw error
        }
        for warning in attached?.warnings ?? [] { errors.notice("networking: warning: \(warning)") }
    }

    /// What the networks say of name servers.
    var names: NetworkResult.DNS? { attached?.dns }

    /// The machine has its interfaces.
    func letGo() {
        for interface in interfaces { try? interface.descriptor.close() }
    }

    /// Undoes it all when the machine has ended. What fails is told, and tried again when the pod is removed.
    func leave(_ errors: ErrorStream, isDebug: Bool) {
        guard attached != nil else { return }
        do {
            try host.enter { Self.leave(networks, errors, isDebug: isDebug) }
        } catch {
            errors.notice("networking: warning: the pod's networks are left: \(error)")
        }
    }

    /// The same for whatever a pod's supervisor has left.
    static func leave(_ networks: PodNetworks, _ errors: ErrorStream, isDebug: Bool) {
        let report = networks.tearDown { if isDebug { errors.notice("networking: \($0)") } }
        if isDebug { for notice in report.notices { errors.notice("networking: \(notice)") } }
        for warning in report.warnings { errors.notice("networking: warning: \(warning)") }
        for failure in report.failures { errors.notice("networking: warning: \(failure)") }
    }
}

extension PodNetworks {
    init(uuid: PodUUID, pod: PodLayout) {
        self.init(
            uuid: uuid,
            files: Files(
                directory: pod.directory, resolved: pod.networks, journal: pod.networkJournal,
                namespace: pod.networkNamespace, info: pod.networkInfo))
    }
}

extension PodNetworks.Joint {
    init(_ configured: HypervisorConfiguration.InterfaceJoint) {
        switch configured {
        case .tap: self = .tap
        case .macvtap: self = .macvtap
        }
    }
}
