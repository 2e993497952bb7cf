// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport

/// Makes OCI image layouts from layers that a test has built.
struct LayoutFixture {
    let scratch: ScratchDirectory
    let path: FilePath

    init() throws {
        scratch = try ScratchDirectory()
        path = scratch.appending("layout")
        try FileSystem.makeDirectories(path.appending("blobs").appending("sha256"))
        try FileSystem.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: path.appending("oci-layout"))
    }

    /// A layer as it is stored.
    struct Layer {
        var bytes: [UInt8]
        var mediaType = "application/vnd.oci.image.layer.v1.tar"
        /// The uncompressed archive.
        var plain: [UInt8]
        /// Further members of the descriptor, each beginning with a comma.
        var extra = ""

        init(_ tar: TarFixture) {
            plain = tar.bytes()
            bytes = plain
        }
    }

    static let defaultConfiguration = #""architecture":"amd64","os":"linux","config":{"Cmd":["/bin/sh"]}"#

    /// Adds a blob and returns its descriptor.
    @discardableResult
    func add(_ bytes: [UInt8], _ mediaType: String, extra: String = "") throws -> String {
        let digest = ContentDigest(of: bytes)
        try FileSystem.write(bytes, to: blob(digest))
        return #"{"mediaType":"\#(mediaType)","digest":"\#(digest)","size":\#(bytes.count)\#(extra)}"#
    }

    func blob(_ digest: ContentDigest) -> FilePath {
        path.appending("blobs").appending("sha256").appending(digest.hex)
    }

    /// Adds an image and returns the descriptor of its manifest.
    func addImage(
        _ layers: [Layer], configuration: String = defaultConfiguration, digests: [ContentDigest]? = nil,
        extra: String = ""
    ) throws -> String {
        let list = (digests ?? layers.map { ContentDigest(of: $0.plain) }).map { "\"\($0)\"" }.joined(separator: ",")
        let text = #"{\#(configuration),"rootfs":{"type":"layers","diff_ids":[\#(list)]}}"#
        let config = try add(Array(text.utf8), "application/vnd.oci.image.config.v1+json")
        let blobs = try layers.map { try add($0.bytes, $0.mediaType, extra: $0.extra) }.joined(separator: ",")
        let manifest = #"{"schemaVersion":2,"config":\#(config),"layers":[\#(blobs)]}"#
        return try add(Array(manifest.utf8), "application/vnd.oci.image.manifest.v1+json", extra: extra)
    }

    /// Further members of a manifest's descriptor.
    static func reference(_ name: String) -> String {
        #","annotations":{"org.opencontainers.image.ref.name":"\#(name)"}"#
    }

    static func platform(_ architecture: String, variant: String = "") -> String {
        #","platform":{"os":"linux","architecture":"\#(architecture)","variant":"\#(variant)"}"#
    }

    func writeIndex(_ descriptors: [String]) throws {
        let text = #"{"schemaVersion":2,"manifests":[\#(descriptors.joined(separator: ","))]}"#
        try FileSystem.write(Array(text.utf8), to: path.appending("index.json"))
    }

    /// A layout with one image called `latest`.
    static func image(_ layers: [TarFixture], configuration: String = defaultConfiguration) throws -> LayoutFixture {
        let fixture = try LayoutFixture()
        let image = try fixture.addImage(
            layers.map { Layer($0) }, configuration: configuration, extra: reference("latest"))
        try fixture.writeIndex([image])
        return fixture
    }

    var settings: ConversionSettings { ConversionSettings(temporary: scratch.path) }

    /// Converts an image of the layout and returns what was written.
    func convert(
        at layout: FilePath? = nil, ref: String? = nil, settings: ConversionSettings? = nil
    ) throws -> (image: ConvertedImage, archive: FilePath) {
        let archive = scratch.appending("image.aci")
        let file = try FileDescriptor.open(
            archive, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        let layout = try OCILayout(layout ?? path, settings: settings ?? self.settings)
        return (try layout.convert(ref: ref, writingTo: file), archive)
    }

    /// The message of the error that converting ends with.
    func refusal(at layout: FilePath? = nil, ref: String? = nil, settings: ConversionSettings? = nil) throws -> String {
        do {
            _ = try convert(at: layout, ref: ref, settings: settings)
            return "accepted"
        } catch let error as RuntimeError {
            return error.description
        }
    }

    /// Renders an image as the store does and returns its root directory.
    func render(_ archive: FilePath) throws -> FilePath {
        let input = try FileDescriptor.open(archive, .readOnly)
        defer { try? input.close() }
        let inspection = try ImageImporter.importImage(from: input, name: "image.aci")
        let target = scratch.appending("tree")
        try FileSystem.removeTree(target)
        try FileSystem.makeDirectory(target)
        let directory = try FileDescriptor.open(target, .readOnly, options: [.directory])
        defer { try? directory.close() }
        _ = try TreeRenderer.render(
            [RenderLayer(id: inspection.imageID, archive: input)], into: directory, name: "tree")
        return target.appending("rootfs")
    }

    /// Converts and renders a layout's only image, and tells what its root holds.
    func tree() throws -> [String: FileFacts] { try FileFacts.tree(render(try convert().archive)) }
}
