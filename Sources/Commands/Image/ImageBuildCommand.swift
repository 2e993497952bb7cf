// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import ImageArchive
import LinuxPlatform
import SignatureTrust
import SystemPackage

/// `rkt image build`
package struct ImageBuildCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Make an image file from a manifest and a directory.",
        usage: "rkt image build [flags] [DIRECTORY] OUTPUT",
        discussion: """
            The directory holds the file manifest and the directory rootfs, as \"rkt image extract\" writes them; \
            --manifest and --rootfs name them elsewhere. The image's ID is printed. The same files make the same \
            image; times later than the variable SOURCE_DATE_EPOCH become that.
            """, helpNames: [])

    @Option(help: ArgumentHelp("File with the image manifest.", valueName: "file"))
    var manifest: String?
    @Option(
        help: ArgumentHelp("Directory that becomes the root file system.", valueName: "path"), completion: .directory)
    var rootfs: String?
    @Option(help: ArgumentHelp("How to compress: none, gzip, bzip2, xz or zstd.", valueName: "name"))
    var compression = Compression.gzip
    @Option(help: ArgumentHelp("Owner of all files, in place of their own.", valueName: "uid:gid"))
    var owner: ImageBuilder.Owner?
    @Option(
        help: ArgumentHelp(
            "Sign with this secret key of gpg; the signature goes to OUTPUT.asc.", valueName: "key"))
    var signWith: String?
    @Flag(help: "Replace the file if it exists.")
    var overwrite = false
    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var paths: [String]

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let (builder, path) = try plan()
        guard let output = try OutputFile(path, overwrite: overwrite) else { throw ImageBuildCommand.existing(path) }
        let signature = try signWith.map { key in
            let path = FilePath(path.string + ".asc")
            guard !output.isDirect, let file = try OutputFile(path, overwrite: overwrite) else {
                throw output.isDirect ? ImageBuildCommand.unsignable(output.path) : ImageBuildCommand.existing(path)
            }
            return (key: key, file: file)
        }
        let id: ImageID
        do {
            id = try output.write { file in
                let id = try ImageBuildCommand.build(builder, to: file, path)
                if let signature {
                    let bytes = try DetachedSignature.sign(file, with: signature.key)
                    try signature.file.write { try FileSystem.writeAll(bytes, to: $0, signature.file.path) }
                }
                return id
            }
            // An image without its signature can be signed again, a signature without its image is of no use.
            guard try output.place() else { throw ImageBuildCommand.existing(path) }
            if let file = signature?.file, try !file.place() { throw ImageBuildCommand.existing(file.path) }
        } catch {
            output.discard()
            signature?.file.discard()
            throw error
        }
        // Standard output may be where the image went.
        if output.isDirect { context.console.tell(id.key) } else { try context.console.print(id.key) }
        return ExitStatus.success
    }

    private func plan() throws -> (ImageBuilder, FilePath) {
        let named = (manifest: manifest.map { FilePath($0) }, rootfs: rootfs.map { FilePath($0) })
        let places: (manifest: FilePath, rootfs: FilePath)
        switch (paths.count, named.manifest, named.rootfs) {
        case (1, let manifest?, let rootfs?): places = (manifest, rootfs)
        case (1, _, _): throw UsageError("name a directory before OUTPUT, or both --manifest and --rootfs")
        case (2, nil, _), (2, _, nil):
            let layout = FilePath(paths[0])
            places = (named.manifest ?? layout.appending("manifest"), named.rootfs ?? layout.appending("rootfs"))
        case (2, _, _): throw UsageError("a directory is of no use with both --manifest and --rootfs")
        default: throw UsageError("image build takes a directory and an output file")
        }
        let time = try SourceDateEpoch.nanoseconds(ProcessImage.variable(SourceDateEpoch.variable))
        let builder = ImageBuilder(
            manifest: .file(places.manifest), rootfs: places.rootfs, compression: compression, owner: owner,
            latestTime: time)
        return (builder, FilePath(paths[paths.count - 1]))
    }

    private static func build(_ builder: ImageBuilder, to file: FileDescriptor, _ path: FilePath) throws -> ImageID {
        do {
            return try builder.write(to: file)
        } catch let error as OutputError {
            throw RuntimeError.systemCall("write", path, error.errno)
        }
    }

    private static func existing(_ path: FilePath) -> RuntimeError {
        RuntimeError(.exists, "output file \(path) exists (try --overwrite)")
    }

    private static func unsignable(_ path: FilePath) -> RuntimeError {
        RuntimeError(.invalidArgument, "\(path) is not a regular file, and no signature can be put beside it")
    }
}
