// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport

/// Runs importer and renderer on archives made by a test.
struct ArchiveFixture {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    /// Imports bytes as if they were a file, through a file named `image.aci`.
    func importing(_ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits()) throws -> ArchiveInspection {
        let path = scratch.appending("image.aci")
        try FileSystem.write(bytes, to: path)
        let input = try FileDescriptor.open(path, .readOnly)
        defer { try? input.close() }
        let output = try FileDescriptor.open(
            scratch.appending("image.tar"), .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? output.close() }
        return try ImageImporter.importImage(from: input, name: "image.aci", writingTo: output, limits: limits)
    }

    /// What the last import wrote.
    func stored() throws -> [UInt8] { try FileSystem.read(scratch.appending("image.tar"), limit: 1 << 30) }

    /// The message of the error that importing the bytes ends with.
    func refusal(_ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits()) throws -> String {
        do {
            _ = try importing(bytes, limits: limits)
            return "accepted"
        } catch let error as RuntimeError {
            return error.description
        }
    }

    /// One layer and its archive.
    struct Layer {
        var tar: TarFixture
        var whitelist: [String] = []
        var inherited: [[String]] = []
    }

    /// Renders layers, highest priority first, and returns the directory.
    func render(_ layers: [Layer], rootfsOnly: Bool = false) throws -> FilePath {
        try render(layers, rootfsOnly: rootfsOnly).path
    }

    /// Renders layers, highest priority first, and returns the directory and its size.
    func render(_ layers: [Layer], rootfsOnly: Bool = false) throws -> (path: FilePath, size: Int64) {
        let target = scratch.appending("tree")
        try FileSystem.makeDirectory(target)
        let directory = try FileDescriptor.open(target, .readOnly, options: [.directory])
        defer { try? directory.close() }
        var renderLayers: [RenderLayer] = []
        defer { for layer in renderLayers { try? layer.archive.close() } }
        for (index, layer) in layers.enumerated() {
            let inspection = try importing(layer.tar.bytes())
            let path = scratch.appending("layer\(index)")
            try FileSystem.write(try stored(), to: path)
            renderLayers.append(
                RenderLayer(
                    id: inspection.imageID, archive: try FileDescriptor.open(path, .readOnly),
                    whitelist: PathWhitelist(layer.whitelist),
                    inheritedWhitelists: layer.inherited.compactMap { PathWhitelist($0) }))
        }
        return (target, try TreeRenderer.render(renderLayers, into: directory, rootfsOnly: rootfsOnly, name: "tree"))
    }

    func render(_ tar: TarFixture) throws -> FilePath { try render([Layer(tar: tar)]) }
}
