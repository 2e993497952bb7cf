// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// How one virtiofsd is started; descriptor 3 is the socket it accepts QEMU's connection on.
///
/// It inherits nothing else, the pod's lock neither: from a directory of the host that is open `..` leads out of the share.
/// The lock is QEMU's to hold, which the server has nothing to do without.
///
/// The options are those that the C program of QEMU 7.2 and, as its compatibility syntax, the Rust program share.
package struct VirtiofsdCommandLine: Sendable, Equatable {
    package static let socketDescriptor = 3

    package let program: FilePath
    package let source: FilePath
    package let cache: VirtiofsCache
    /// Whether the server sees its source read-only: it has no option that refuses writes (the C program of QEMU 7.2).
    package let readOnly: Bool

    package init(
        program: FilePath, source: FilePath, cache: VirtiofsCache, readOnly: Bool = false
    ) {
        self.program = program
        self.source = source
        self.cache = cache
        self.readOnly = readOnly
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
        words.joined(separator: " ") + (readOnly ? "\nsees its source read-only" : "")
    }
}
