// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// How one virtiofsd is started; descriptor 3 is the socket it accepts QEMU's connection on.
///
/// The options are those that the C program of QEMU 7.2 and, as its compatibility syntax, the Rust program share.
package struct VirtiofsdCommandLine: Sendable, Equatable {
    package static let socketDescriptor = 3

    package let program: FilePath
    package let source: FilePath
    package let cache: VirtiofsCache
    /// Whether the server sees its source read-only: it has no option that refuses writes (the C program of QEMU 7.2).
    package let readOnly: Bool
    /// Descriptors of the launching process that are kept open, from number 4 on.
    package let inheritedDescriptors: [Int32]

    package init(
        program: FilePath, source: FilePath, cache: VirtiofsCache, readOnly: Bool = false,
        inheritedDescriptors: [Int32] = []
    ) {
        self.program = program
        self.source = source
        self.cache = cache
        self.readOnly = readOnly
        self.inheritedDescriptors = inheritedDescriptors
    }

    /// The argument vector, the program's own name first.
    package var words: [String] {
        let options = [
            "source=\(Self.escaped(source.string))",
            "cache=\(cache.rawValue)",
            // Its own mount, process and network namespaces, with the source as their root.
            "sandbox=namespace",
            // Apps need extended attributes, file capabilities among them.
            "xattr",
            // Access control lists count, as on the host.
            "posix_acl",
            // The roots of several apps are mounts beneath one share: each keeps a device number of its own, so that equal
            // inode numbers are not taken for hard links.
            "announce_submounts",
            "log_level=warn",
        ]
        return [program.string, "--fd=\(Self.socketDescriptor)"] + options.flatMap { ["-o", $0] }
    }

    /// A backslash keeps the character after it from being read as a separator (libfuse's option syntax).
    private static func escaped(_ path: String) -> String {
        var result = ""
        for character in path.unicodeScalars {
            if character == "," || character == "\\" { result += "\\" }
            result.unicodeScalars.append(character)
        }
        return result
    }
}

extension VirtiofsdCommandLine: CustomStringConvertible {
    package var description: String {
        let inherited = inheritedDescriptors.isEmpty ? "" : "\ninherits \(inheritedDescriptors)"
        return words.joined(separator: " ") + (readOnly ? "\nsees its source read-only" : "") + inherited
    }
}
