// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One switch of QEMU's command line with its value, such as `-accel tcg,thread=multi`.
package struct QEMUArgument: Sendable, Equatable, CustomStringConvertible {
    /// The switch with its dash.
    package let name: String
    package let value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ properties: QEMUProperties) {
        self.init(name, properties.text)
    }

    /// The elements of the argument vector.
    package var words: [String] { [name] + (value.map { [$0] } ?? []) }

    package var description: String { words.joined(separator: " ") }
}

/// Something that stands on QEMU's command line: a device with its back end, or a switch.
package protocol QEMUOption {
    var arguments: [QEMUArgument] { get }
}
