// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import HostConfiguration
import Hypervisor
import LinuxPlatform
import MetadataRegistration
import Networking
import PodStore
import SystemPackage

/// The networks of a pod, from before its machine is planned until after its end.
struct MachineNetworks {
    /// Those of a machine with a kernel of its own, whose descriptors are open until `letGo`.
    let interfaces: [JoinedInterface]
    private let networks: PodNetworks
    private let attached: AttachedNetworks?
    /// Where the pod's network namespace is mounted; nil when it has none.
    var namespace: FilePath? { attached?.namespace }
    /// Where plugins are run and namespaces are mounted. The supervisor may leave it.
    private let host: MountNamespace
    /// What systemd listens on for the pod.
    private let sockets: ActivatedPorts

    /// Joins the pod's machine to its networks, which `prepare` has set up as a rule. When it throws, everything is undone.
    init(_ pod: PodLayout, _ uuid: PodUUID, for consumer: PodNetworks.Consumer, _ errors: ErrorStream) throws {
        let joint = try HypervisorConfiguration(pod: pod.hypervisorConfiguration).interfaces ?? .standard
        host = try MountNamespace()
        networks = PodNetworks(uuid: uuid, pod: pod)
        let passed = try PassedSockets()
        try passed.closeOnExec()
        sockets = try ActivatedPorts(
            passed.descriptors.map { FileDescriptor(rawValue: $0) },
            PodManifest(parsing: FileSystem.read(pod.manifest)))
        do {
            attached =
                try networks.resume(for: consumer, ports: MachineNetworks.ports(pod))
                ?? MachineNetworks.prepare(pod, uuid, for: consumer, errors)
            do {
                interfaces =
                    if let attached, consumer == .virtualMachine {
                        try networks.join(attached, by: PodNetworks.Joint(joint))
                    } else {
                        []
                    }
            } catch {
                if let failure = networks.tearDown().failures.first {
                    throw CleanupError(primary: error, cleanup: failure)
                }
                throw error
            }
        } catch {
            throw NetworkingFailure(error)
        }
        for warning in sockets.warnings { errors.notice("networking: warning: \(warning)") }
    }

    /// Sets up what the pod's networks are on the host, and leaves it to whoever runs the machine. When it throws,
    /// everything is undone.
    @discardableResult
    static func prepare(
        _ pod: PodLayout, _ uuid: PodUUID, for consumer: PodNetworks.Consumer, _ errors: ErrorStream
    ) throws -> AttachedNetworks? {
        do {
            let attached = try PodNetworks(uuid: uuid, pod: pod).setUp(for: consumer, ports: ports(pod))
            for warning in attached?.warnings ?? [] { errors.notice("networking: warning: \(warning)") }
            return attached
        } catch {
            throw NetworkingFailure(error)
        }
    }

    private static func ports(_ pod: PodLayout) throws -> [ForwardedPort] {
        try PodManifest(parsing: FileSystem.read(pod.manifest)).forwardedPorts { $0.app }
    }

    /// What the networks say of name servers.
    var names: NetworkResult.DNS? { attached?.dns }

    /// Begins to pass connections on that come to sockets of systemd; nil when there are none, or nothing to pass them to.
    func forwardSockets(_ errors: ErrorStream) throws -> SocketForwarder? {
        guard !sockets.elements.isEmpty else { return nil }
        let reachable = attached?.networks.first { $0.link == .namespace && $0.address != nil }
        guard let address = reachable?.address?.address else {
            for element in sockets.elements { try? element.socket.close() }
            errors.notice("networking: warning: sockets of systemd do not lead to the pod: the host does not reach it")
            return nil
        }
        return try SocketForwarder(sockets.elements, to: address)
    }

    /// The machine has its interfaces.
    func letGo() {
        for interface in interfaces { try? interface.descriptor.close() }
    }

    /// Takes the pod back from the metadata service, before its addresses may be another pod's.
    func unregister(_ pod: PodLayout, _ uuid: PodUUID, _ errors: ErrorStream) {
        Self.unregister(pod, uuid, errors) { try host.enter($0) }
    }

    /// The same for a pod of which the networks could not be had.
    static func unregister(
        _ pod: PodLayout, _ uuid: PodUUID, _ errors: ErrorStream,
        on host: (() throws -> Void) throws -> Void = { try $0() }
    ) {
        guard FileSystem.exists(pod.metadata) else { return }
        do {
            try host { try PodMetadata.unregister(uuid, pod.metadata) }
        } catch {
            errors.notice(
                "stage1: warning: the pod stays registered with the metadata service: \(error); `rkt gc` tries again")
        }
    }

    /// Undoes it all when the machine has ended. What fails is told, and tried again when the pod is removed.
    func leave(_ errors: ErrorStream, isDebug: Bool) {
        guard attached != nil else { return }
        do {
            for failure in try host.enter({ Self.leave(networks, errors, isDebug: isDebug) }) {
                errors.notice("networking: warning: \(failure); `rkt gc` tries again")
            }
        } catch {
            errors.notice("networking: warning: the pod's networks are left to `rkt gc`: \(error)")
        }
    }

    /// The same for whatever a pod's supervisor has left.
    ///
    /// - Throws: when something is left.
    static func collect(_ pod: PodLayout, _ uuid: PodUUID, _ errors: ErrorStream, isDebug: Bool) throws {
        let failures = leave(PodNetworks(uuid: uuid, pod: pod), errors, isDebug: isDebug)
        guard !failures.isEmpty else { return }
        let reasons = failures.map(\.description).joined(separator: "; ")
        throw NetworkingFailure(
            RuntimeError(
                .invalidState,
                "pod \"\(uuid)\" is kept, as it cannot leave its networks: \(reasons); mend that and run `rkt gc` again, "
                    + "or remove \"\(pod.networkJournal)\" to have rkt forget what is left"))
    }

    private static func leave(_ networks: PodNetworks, _ errors: ErrorStream, isDebug: Bool) -> [RuntimeError] {
        let report = networks.tearDown { if isDebug { errors.notice("networking: \($0)") } }
        if isDebug { for notice in report.notices { errors.notice("networking: \(notice)") } }
        for warning in report.warnings { errors.notice("networking: warning: \(warning)") }
        return report.failures
    }
}

/// What is wrong with a pod's networks, and not with its machine: users are told so.
struct NetworkingFailure: Error, CustomStringConvertible {
    let cause: any Error

    init(_ cause: any Error) { self.cause = (cause as? NetworkingFailure)?.cause ?? cause }

    var description: String { "\(cause)" }
}

extension PodNetworks {
    /// Seconds that a plugin may take when this variable does not say otherwise.
    static let patienceVariable = "RKT_NETWORK_PLUGIN_TIMEOUT"

    init(uuid: PodUUID, pod: PodLayout) {
        self.init(
            uuid: uuid,
            files: Files(
                directory: pod.directory, resolved: pod.networks, journal: pod.networkJournal,
                namespace: pod.networkNamespace, info: pod.networkInfo))
        machine = MachineLimits(
            interfaces: min(PodConfiguration.Interface.most, MachineInterface.most),
            addresses: PodConfiguration.Interface.mostAddresses, routes: PodConfiguration.Interface.mostRoutes)
        if let seconds = ProcessImage.variable(Self.patienceVariable).flatMap({ Int($0) }), seconds > 0 {
            limits.milliseconds = min(seconds, 86_400) * 1000
        }
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
