// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform
import SystemPackage

/// The plan of a machine of lkvm: what is executed, with which descriptors.
package struct LKVMCommandLine: Sendable, Equatable {
    /// The pod's UUID.
    package let id: String
    package let program: FilePath
    /// The switches of `lkvm run`, each with its value.
    package let options: [LKVMOption]
    /// Element N becomes descriptor N of lkvm.
    package let descriptors: [LKVMDescriptor]
    /// Directories that lkvm sees read-only: its server of shares has no such option.
    package let readOnlySources: [FilePath]
    package let credentials: MachineCredentials?
    package let limits: [ResourceLimit]
    /// Its context of SELinux; nil for the one that the host gives it.
    package let label: SELinuxContext?
    /// lkvm's home and working directory, where it makes its control socket.
    package let home: FilePath
    package let log: FilePath

    /// The argument vector, the program's own name first.
    package var words: [String] { [program.string, "run"] + options.flatMap(\.words) }

    /// The virtual serial ports that become pseudo-terminals of the host, by which the guest knows them as ttyS1 and ttyS3.
    ///
    /// Those with odd numbers have an interrupt of their own: the one of ttyS2 is the console's, too.
    package static let bootTerminal = 1
    package static let agentTerminal = 3
}

/// One switch of `lkvm run` with its value, such as `--mem 256`.
package struct LKVMOption: Sendable, Equatable, CustomStringConvertible {
    package let name: String
    package let value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    /// The elements of the argument vector.
    package var words: [String] { [name] + (value.map { [$0] } ?? []) }

    package var description: String { words.joined(separator: " ") }
}

/// What one of lkvm's descriptors is. Its place in the plan is its number in lkvm.
package enum LKVMDescriptor: Sendable, Equatable, CustomStringConvertible {
    /// The slave of the pseudo-terminal whose master shows the guest's console.
    case console
    /// A socket pair that takes what lkvm says of itself, and that closes at its end.
    case messages
    /// A file of the host, opened for reading only.
    case readOnlyFile(FilePath)
    /// A descriptor of the launching process that takes and gives the frames of the interface with this id.
    case interface(String, Int32)
    /// A descriptor of the launching process, kept open under another number.
    case inherited(Int32)

    package var description: String {
        switch self {
        case .console: "terminal of the console"
        case .messages: "socket pair \"messages\""
        case .readOnlyFile(let path): "\(path) (read-only)"
        case .interface(let id, let number): "frames of \(id), inherited \(number)"
        case .inherited(let number): "inherited \(number)"
        }
    }
}

extension LKVMCommandLine: CustomStringConvertible {
    /// One switch a line, then the descriptors.
    package var description: String {
        var lines = ["\(program) run"] + options.map { "    \($0)" }
        lines.append("descriptors")
        lines += descriptors.enumerated().map { "    \($0.offset): \($0.element)" }
        for source in readOnlySources { lines.append("sees \(source) read-only") }
        if let credentials { lines.append("\(credentials)") }
        lines.append(MachineLimits.line(limits))
        if let label { lines.append("context: \(label)") }
        lines.append("home: \(home)")
        lines.append("log: \(log)")
        return lines.joined(separator: "\n") + "\n"
    }
}
