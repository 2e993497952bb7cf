// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// What the program `libvirt-domain` is told.
package struct KeeperArguments: Sendable, Equatable {
    /// The address of libvirt, such as `qemu:///system`.
    package var address = ""
    /// The name of the domain.
    package var name = ""
    package var interfaces: [Interface] = []

    /// An interface of the domain, by descriptors of the program.
    package struct Interface: Sendable, Equatable {
        /// Where the frames are for the network: a tap or macvtap.
        package let tap: Int32
        /// Where QEMU connects for them.
        package let listener: Int32
    }

    /// The channel to the supervisor, and the domain in libvirt's words.
    package static let channel = FileDescriptor(rawValue: 0)
    package static let description = FileDescriptor(rawValue: 3)

    package init(parsing arguments: [String]) throws {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else {
                throw RuntimeError(.invalidArgument, "\(option) needs a value")
            }
            switch option {
            case "--connect": address = value
            case "--name": name = value
            case "--interface":
                let numbers = value.split(separator: ":", omittingEmptySubsequences: false).map { Int32($0) }
                guard numbers.count == 2, let tap = numbers[0], let listener = numbers[1], tap > 3, listener > 3 else {
                    throw RuntimeError(.invalidArgument, "--interface=\(value) does not name two descriptors")
                }
                interfaces.append(Interface(tap: tap, listener: listener))
            default: throw RuntimeError(.invalidArgument, "\(option) is not an option of this program")
            }
        }
        guard !address.isEmpty, !name.isEmpty else {
            throw RuntimeError(.invalidArgument, "--connect and --name are missing")
        }
    }
}
