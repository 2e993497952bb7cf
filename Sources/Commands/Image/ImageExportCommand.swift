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
        if FileSystem.exists(file) {
            guard overwrite else { throw existing }
            // A device or a pipe cannot be replaced by a file: it is written to.
            if try FileSystem.status(file, followSymbolicLink: true).type != .regular {
                return try write(blob, to: file, options: [])
            }
        }
        let partial = FilePath("\(file).\(TimeText.now).partial")
        do {
            try write(blob, to: partial, options: [.create, .exclusiveCreate])
            try FileSystem.rename(partial, to: file, replace: overwrite)
        } catch {
            try? FileSystem.remove(partial)
            if let error = error as? RuntimeError, error.code == .exists { throw existing }
            throw error
        }
    }

    private static var existing: RuntimeError {
        RuntimeError(.exists, "output ACI file exists (try --overwrite)")
    }

    private static func write(_ blob: FileDescriptor, to file: FilePath, options: FileDescriptor.OpenOptions) throws {
        let output: FileDescriptor
        do {
            output = try FileDescriptor.open(
                file, .writeOnly, options: options.union(.closeOnExec),
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", file, error)
        }
        do {
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                // SAFETY: the call fills the buffer it is given and no more.
                let count = try buffer.withUnsafeMutableBytes { try blob.read(into: $0) }
                if count == 0 { break }
                try FileSystem.writeAll(Array(buffer[..<count]), to: output, file)
            }
        } catch {
            try? output.close()
            if let error = error as? Errno { throw RuntimeError.systemCall("read", nil, error) }
            throw error
        }
        do {
            try output.close()
        } catch let error as Errno {
            throw RuntimeError.systemCall("close", file, error)
        }
    }
}
