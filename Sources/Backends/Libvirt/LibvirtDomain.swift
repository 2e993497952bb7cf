// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// The plan of a machine of libvirt: its domain, what has to be there for it, and who keeps it.
package struct LibvirtDomain: Sendable, Equatable {
    /// The pod's UUID.
    package let id: String
    /// The domain's name.
    package let name: String
    /// The domain as libvirt is told of it.
    package let xml: String
    /// The program that has the domain made and keeps it, and its arguments.
    package let keeper: FilePath
    package let arguments: [String]
    /// Descriptors of the keeper from number `firstDescriptor` on.
    package let descriptors: [LibvirtDescriptor]
    /// Files that are there by other paths while the domain is made: its user cannot reach the pod's.
    package let copies: [Copy]
    /// Sockets of this process that QEMU connects to.
    package let channels: [LibvirtChannel]
    package let shareServers: [VirtiofsdCommandLine]
    package let accelerator: AcceleratorChoice
    /// Who QEMU is.
    package let user: UInt32
    /// Whether the domain is refused when its system calls are not filtered.
    package let requiresFilter: Bool
    package let workingDirectory: FilePath
    package let log: FilePath

    package struct Copy: Sendable, Equatable {
        package let source: FilePath
        package let name: String
    }

    /// The keeper's descriptors below this number are its channel, its log twice, and the domain's XML.
    package static let firstDescriptor = 4

    /// Where the domains of all pods have what QEMU opens by its path; the names in it are short, as paths of sockets are.
    static let parent: FilePath = "/run/rkt/libvirt"
    /// The same for one, by its name. It is gone when the machine runs.
    static func directory(of name: String) -> FilePath { parent.appending(name) }

    package var directory: FilePath { Self.directory(of: name) }
    package static func socket(ofShare index: Int) -> String { "share\(index).sock" }
    package static func socket(of channel: LibvirtChannel) -> String { "\(channel.rawValue).sock" }
    package static func socket(ofInterface index: Int) -> String { "net\(index).sock" }
}

/// The streams between QEMU and the process that launched it.
package enum LibvirtChannel: String, Sendable, CaseIterable {
    case console, boot, agent
}

/// What one of the keeper's descriptors is.
package enum LibvirtDescriptor: Sendable, Equatable, CustomStringConvertible {
    /// A descriptor of the launching process that takes and gives the frames of the interface with this id.
    case frames(String, Int32)
    /// The socket on which QEMU connects for the frames of the interface with this number.
    case listener(Int)
    /// A descriptor of the launching process, kept open under another number.
    case inherited(Int32)

    package var description: String {
        switch self {
        case .frames(let id, let number): "frames of \(id), inherited \(number)"
        case .listener(let index): "listens on \(LibvirtDomain.socket(ofInterface: index))"
        case .inherited(let number): "inherited \(number)"
        }
    }
}

extension LibvirtDomain: CustomStringConvertible {
    /// The domain, then who keeps it, then what is there for it.
    package var description: String {
        var lines = xml.split(separator: "\n").map(String.init)
        lines.append(([keeper.string] + arguments).joined(separator: " "))
        lines.append("descriptors")
        lines += ["0: socket pair \"control\"", "1: log", "2: log", "3: the domain"].map { "    \($0)" }
        lines += descriptors.enumerated().map { "    \($0.offset + Self.firstDescriptor): \($0.element)" }
        lines.append("in \(directory)")
        lines += copies.map { "    \($0.name): copy of \($0.source)" }
        lines += channels.map { "    \(Self.socket(of: $0)): socket \"\($0.rawValue)\"" }
        for (index, server) in shareServers.enumerated() {
            lines.append("virtiofsd \(index) on \(Self.socket(ofShare: index))")
            lines += server.description.split(separator: "\n").map { "    \($0)" }
        }
        lines.append("accelerator: \(accelerator.accelerator.rawValue)")
        if let reason = accelerator.fallbackReason { lines.append("fallback: \(reason)") }
        lines.append("user: \(user)")
        if requiresFilter { lines.append("its system calls have to be filtered") }
        lines.append("working directory: \(workingDirectory)")
        lines.append("log: \(log)")
        return lines.joined(separator: "\n") + "\n"
    }
}
