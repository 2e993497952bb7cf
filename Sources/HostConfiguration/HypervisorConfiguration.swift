// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
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

    package private(set) var volumes: VolumeTransport?
    package private(set) var interfaces: InterfaceJoint?

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        try Self.read(document.root["volumes"], "way of sharing volumes", into: &volumes)
        try Self.read(document.root["interfaces"], "way of joining interfaces", into: &interfaces)
    }

    package mutating func override(with later: HypervisorConfiguration) {
        volumes = later.volumes ?? volumes
        interfaces = later.interfaces ?? interfaces
    }

    package var entries: [JSONObject] {
        var object = JSONObject()
        if let volumes { object.set("volumes", .string(volumes.rawValue)) }
        if let interfaces { object.set("interfaces", .string(interfaces.rawValue)) }
        return object.members.isEmpty ? [] : [object]
    }

    /// Reads the name of one of a few ways of doing something.
    private static func read<Way: RawRepresentable & CaseIterable>(
        _ field: ConfigurationField, _ what: String, into value: inout Way?
    ) throws where Way.RawValue == String {
        guard let text = try field.string() else { return }
        guard let way = Way(rawValue: text) else {
            let known = Way.allCases.map(\.rawValue).joined(separator: " or ")
            throw field.failure("\(ScalarError.quoted(text)) is not a known \(what): use \(known)")
        }
        guard value == nil else { throw field.failure("another file of this directory has set it already") }
        value = way
    }
}

extension HypervisorConfiguration {
    /// Reads what was left for one pod. A pod that has no such file is one that nothing was configured for.
    package init(pod file: FilePath) throws {
        self.init()
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(file, limit: ConfigurationPlace.sizeLimit)
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
        let document = try ConfigurationDocument(parsing: bytes, path: file)
        _ = try HostConfiguration.kind(of: document, in: Self.directory)
        try add(document)
    }

    /// Leaves it for one pod, as one configuration file.
    package func write(pod file: FilePath) throws {
        let document = HostConfiguration.document(Self.self, entries.first ?? JSONObject())
        try FileSystem.writeAtomically(Array(document.encoded().utf8), to: file)
    }
}
