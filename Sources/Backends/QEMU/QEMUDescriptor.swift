// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What one of QEMU's descriptors is. Its place in the plan is its number in QEMU.
package enum QEMUDescriptor: Sendable, Equatable, CustomStringConvertible {
    case null
    case log
    /// A file of the host, opened for reading only.
    case readOnlyFile(FilePath)
    /// QEMU's end of a socket pair; the machine has the other.
    case channel(QEMUChannel)
    /// A connection to the virtiofsd with this place in the plan.
    case shareServer(Int)
    /// A descriptor of the launching process that takes and gives the frames of the interface with this id.
    case interface(String, Int32)
    /// A descriptor of the launching process, kept open under another number.
    case inherited(Int32)

    package var description: String {
        switch self {
        case .null: "/dev/null"
        case .log: "log"
        case .readOnlyFile(let path): "\(path) (read-only)"
        case .channel(let channel): "socket pair \"\(channel.rawValue)\""
        case .shareServer(let index): "connection to virtiofsd \(index)"
        case .interface(let id, let number): "frames of \(id), inherited \(number)"
        case .inherited(let number): "inherited \(number)"
        }
    }
}

/// The streams between QEMU and the process that launched it.
package enum QEMUChannel: String, Sendable, CaseIterable {
    case console
    case boot
    case agent
    case control
}
