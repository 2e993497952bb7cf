// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageStore
import LinuxPlatform
import Stage0
import SystemPackage

/// `rkt image export`
package struct ImageExportCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a stored image to a file, uncompressed.",
        usage: "rkt image export [--overwrite] IMAGE FILE", helpNames: [])

    @Flag(help: "Replace the file if it exists.")
    var overwrite = false
    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var image: String
    @Argument var file: String

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let blob = try runtime.openImages().openBlob(runtime.storedImage(image))
        defer { try? blob.close() }
        try ImageExportCommand.copy(blob, to: FilePath(file), overwrite: overwrite)
        return ExitStatus.success
    }

    /// A file appears under the name when it is complete, and not otherwise.
    package static func copy(_ blob: FileDescriptor, to file: FilePath, overwrite: Bool) throws {
        guard let output = try OutputFile(file, overwrite: overwrite) else {
            throw RuntimeError(.exists, "output ACI file exists (try --overwrite)")
        }
        do {
            try output.write { descriptor in try copy(blob, to: descriptor, file) }
            guard try output.place() else {
                throw RuntimeError(.exists, "output ACI file exists (try --overwrite)")
            }
        } catch {
            output.discard()
            throw error
        }
    }

    private static func copy(_ blob: FileDescriptor, to output: FileDescriptor, _ file: FilePath) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count: Int
            do {
                // SAFETY: the call fills the buffer it is given and no more.
                count = try buffer.withUnsafeMutableBytes { try blob.read(into: $0) }
            } catch let error as Errno {
                throw RuntimeError.systemCall("read", nil, error)
            }
            if count == 0 { return }
            try FileSystem.writeAll(Array(buffer[..<count]), to: output, file)
        }
    }
}
