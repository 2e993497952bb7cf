// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// A program of the host that a test compares with or makes its input with.
package enum Program {
    /// Where a program is, or nil when the host lacks it; for `.enabled(if:)`.
    package static func path(of name: String) -> FilePath? {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].map { FilePath($0).appending(name) }
            .first { FileSystem.exists($0) }
    }

    /// Runs a program and returns what it wrote to standard output.
    ///
    /// - Parameter input: becomes its standard input.
    package static func output(_ name: String, _ arguments: String..., input: FilePath = "/dev/null") throws -> [UInt8]
    {
        try output(name, arguments, input: input)
    }

    /// Runs a program and returns what it wrote to standard output.
    package static func output(_ name: String, _ arguments: [String], input: FilePath = "/dev/null") throws -> [UInt8] {
        guard let path = path(of: name) else { throw Errno.noSuchFileOrDirectory }
        let scratch = try ScratchDirectory()
        let result = scratch.appending("output")
        let standardInput = try FileDescriptor.open(input, .readOnly)
        defer { try? standardInput.close() }
        let output = try FileDescriptor.open(result, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        defer { try? output.close() }
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: path, arguments: [name] + arguments, environment: ["LC_ALL=C", "PATH=/usr/bin:/bin"],
                descriptors: [standardInput.rawValue, output.rawValue, 2]))
        defer { child.close() }
        guard try child.wait() == .exited(0) else { throw Errno.ioError }
        return try FileSystem.read(result, limit: 1 << 30)
    }
}
