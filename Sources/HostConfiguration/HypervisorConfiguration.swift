// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// The kind `hypervisor`: what the virtual machines of pods are like.
package struct HypervisorConfiguration: ConfigurationKind, Equatable {
    package static let name = "hypervisor"
    package static let directory = "hypervisor.d"

    /// How volumes of the host get into a machine.
    package enum VolumeTransport: String, Sendable, CaseIterable {
        /// The hypervisor serves them itself.
        case plan9 = "9p"
        /// Each has a server of its own.
        case virtiofs

        /// What is used when nothing is configured.
        package static let standard = VolumeTransport.plan9
    }

    /// How an interface of a network gets into a machine.
    package enum InterfaceJoint: String, Sendable, CaseIterable {
        /// The host passes frames on between it and one of the machine.
        case tap
        /// The machine takes its frames itself.
        case macvtap

        /// What is used when nothing is configured.
        package static let standard = InterfaceJoint.tap
    }

    /// Whether pods get contexts of SELinux of their own.
    package enum Labels: String, Sendable, CaseIterable {
        /// They do where the host's policy has contexts for pods.
        case auto
        case off

        /// What is used when nothing is configured.
        package static let standard = Labels.auto
    }

    /// Used in place of the backend that a stage1 image names, if its pods have a kernel of their own.
    package private(set) var backend: HypervisorKind?
    /// The hypervisor's program, which belongs to the backend.
    package private(set) var binary: FilePath?
    package private(set) var accelerator: AcceleratorPolicy?
    package private(set) var profile: MachineProfile?
    /// What a pod is not started without.
    package private(set) var minimumIsolation: IsolationLevel?
    /// The name of that level, if not every stage1 image has it.
    package var demandedIsolation: String? { minimumIsolation.flatMap { $0 > .chroot ? $0.rawValue : nil } }
    package private(set) var volumes: VolumeTransport?
    package private(set) var interfaces: InterfaceJoint?
    package private(set) var labels: Labels?
    /// The machines of pods that apps are added to while they run.
    package var sandbox = SandboxSize()

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        try Self.read(document.root["backend"], "backend", into: &backend)
        try Self.readPath(document.root["binary"], into: &binary)
        try Self.read(document.root["accelerator"], "accelerator", into: &accelerator)
        try Self.read(document.root["profile"], "machine profile", into: &profile)
        try Self.read(document.root["minimumIsolation"], "level of isolation", into: &minimumIsolation)
        try Self.read(document.root["volumes"], "way of sharing volumes", into: &volumes)
        try Self.read(document.root["interfaces"], "way of joining interfaces", into: &interfaces)
        try Self.read(document.root["selinux"], "choice for contexts of SELinux", into: &labels)
        try sandbox.add(document.root["sandbox"])
    }

    package mutating func override(with later: HypervisorConfiguration) {
        // The program of one backend is none of another's.
        let isOther = later.backend != nil && later.backend != backend
        binary = later.binary ?? (isOther ? nil : binary)
        backend = later.backend ?? backend
        accelerator = later.accelerator ?? accelerator
        profile = later.profile ?? profile
        minimumIsolation = later.minimumIsolation ?? minimumIsolation
        volumes = later.volumes ?? volumes
        interfaces = later.interfaces ?? interfaces
        labels = later.labels ?? labels
        sandbox.override(with: later.sandbox)
    }

    package var entries: [JSONObject] {
        var object = JSONObject()
        if let backend { object.set("backend", .string(backend.rawValue)) }
        if let binary { object.set("binary", .string(binary.string)) }
        if let accelerator { object.set("accelerator", .string(accelerator.rawValue)) }
        if let profile { object.set("profile", .string(profile.rawValue)) }
        if let minimumIsolation { object.set("minimumIsolation", .string(minimumIsolation.rawValue)) }
        if let volumes { object.set("volumes", .string(volumes.rawValue)) }
        if let interfaces { object.set("interfaces", .string(interfaces.rawValue)) }
        if let labels { object.set("selinux", .string(labels.rawValue)) }
        if let sandbox = sandbox.json { object.set("sandbox", .object(sandbox)) }
        return object.members.isEmpty ? [] : [object]
    }

    /// Reads the name of one of a few ways of doing something.
    private static func read<Way: RawRepresentable & CaseIterable>(
        _ field: ConfigurationField, _ what: String, into value: inout Way?
    ) throws where Way.RawValue == String {
        guard let text = try field.string() else { return }
        guard let way = Way(rawValue: text) else {
            let names = Way.allCases.map(\.rawValue)
            let known = [names.dropLast().joined(separator: ", "), names.last ?? ""].filter { !$0.isEmpty }
            throw field.failure(
                "\(ScalarError.quoted(text)) is not a known \(what): use \(known.joined(separator: " or "))")
        }
        guard value == nil else { throw field.failure("another file of this directory has set it already") }
        value = way
    }

    private static func readPath(_ field: ConfigurationField, into path: inout FilePath?) throws {
        guard let text = try field.string() else { return }
        guard text.hasPrefix("/") else { throw field.failure("\(ScalarError.quoted(text)) is not an absolute path") }
        guard path == nil else { throw field.failure("another file of this directory has set it already") }
        path = FilePath(text)
    }
}
