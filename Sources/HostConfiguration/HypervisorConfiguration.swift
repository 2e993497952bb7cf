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

    package private(set) var volumes: VolumeTransport?

    package init() {}

    package mutating func add(_ document: ConfigurationDocument) throws {
        let field = document.root["volumes"]
        guard let text = try field.string() else { return }
        guard let transport = VolumeTransport(rawValue: text) else {
            let known = VolumeTransport.allCases.map(\.rawValue).joined(separator: " or ")
            throw field.failure("\(ScalarError.quoted(text)) is not a known way of sharing volumes: use \(known)")
        }
        guard volumes == nil else { throw field.failure("another file of this directory has set it already") }
        volumes = transport
    }

    package mutating func override(with later: HypervisorConfiguration) {
        volumes = later.volumes ?? volumes
    }

    package var entries: [JSONObject] {
        guard let volumes else { return [] }
        var object = JSONObject()
        object.set("volumes", .string(volumes.rawValue))
        return [object]
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
