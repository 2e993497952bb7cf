// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import SystemPackage

/// An image that was converted, as it lies in the file that was written.
package struct ConvertedImage: Sendable {
    package let manifest: ImageManifest
    /// Of the manifest of the image for this platform.
    package let manifestDigest: ContentDigest
    /// Of what the reference named: the same, or an index that holds it.
    package let rootDigest: ContentDigest
    /// Of the configuration: Docker's ID of the image.
    package let configurationDigest: ContentDigest
    /// Where the manifest came from, after redirects; nil for a layout.
    package let url: String?
    /// What a user should be told, one sentence each.
    package let warnings: [String]
}

/// What bounds a conversion and where it works.
package struct ConversionSettings: Sendable {
    /// Holds files without a name while an image is converted; it needs room for the unpacked layers.
    package var temporary: FilePath
    /// For all layers of an image together.
    package var archiveLimits: ArchiveLimits
    package var limits: ContentLimits
    /// What the image must run on.
    package var platform: ImagePlatform
    package var progress: Progress?

    package init(
        temporary: FilePath, archiveLimits: ArchiveLimits = ArchiveLimits(), limits: ContentLimits = ContentLimits(),
        platform: ImagePlatform = .guest, progress: Progress? = nil
    ) {
        self.temporary = temporary
        self.archiveLimits = archiveLimits
        self.limits = limits
        self.platform = platform
        self.progress = progress
    }
}

/// A blob in an open file.
struct StoredBlob {
    /// Stays its owner's.
    let file: FileDescriptor
    let range: Range<Int64>
}

/// Turns an image's configuration and layers into an ACI.
struct ImageConversion {
    let settings: ConversionSettings
    /// What messages call the image.
    let name: String

    /// Writes the ACI from the file's offset on.
    ///
    /// - Parameters:
    ///   - layers: hands out the blob of a layer, which is closed by its owner afterwards.
    func convert(
        _ content: ContentManifest, configuration: ImageConfiguration, origin: ImageOrigin,
        manifestDigest: ContentDigest, layers: (ContentDescriptor, _ use: (StoredBlob) throws -> Void) throws -> Void,
        writingTo output: FileDescriptor
    ) throws -> ConvertedManifest {
        guard configuration.contentDigests.count == content.layers.count else {
            throw RuntimeError(
                .invalidArgument,
                "\(name) has \(content.layers.count) layers, and its configuration lists "
                    + "\(configuration.contentDigests.count)")
        }
        let tree = LayerTree(spool: try Spool(in: settings.temporary), limits: settings.archiveLimits)
        let total = content.layers.reduce(Int64(0)) { $0 &+ $1.size }
        let onRead = settings.progress?.begin("converting \(name)", total: total)
        defer { settings.progress?.end() }
        for (index, layer) in content.layers.enumerated() {
            let layerName = "layer \(index + 1) of \(content.layers.count) of \(name)"
            try layers(layer) { blob in
                try add(
                    blob, layer, configuration.contentDigests[index], to: tree, layerName: layerName, onRead: onRead)
            }
        }
        let converted = try ConvertedManifest(
            configuration, origin, configurationDigest: content.configuration.digest, manifestDigest: manifestDigest,
            accounts: try tree.contents(of: ["etc", "passwd"], limit: 1 << 20))
        try tree.writeImage(manifest: converted.manifest.encoded(), to: output)
        return converted
    }

    private func add(
        _ blob: StoredBlob, _ descriptor: ContentDescriptor, _ contentDigest: ContentDigest, to tree: LayerTree,
        layerName: String, onRead: ((Int) -> Void)?
    ) throws {
        let reader = try LayerReader(
            blob.file, range: blob.range, name: layerName, limits: tree.remainingLimits, onRead: onRead)
        tree.beginLayer(layerName)
        let sums: LayerSums
        do {
            while let entry = try reader.next() { try tree.add(entry, from: reader) }
            sums = try reader.finish()
        } catch {
            // Of a layer that is not what it should be, nothing else is worth saying.
            if let (digest, size) = try? reader.storedSum() { try check(digest, size, descriptor, layerName) }
            throw error
        }
        tree.endLayer()
        try check(sums.digest, sums.size, descriptor, layerName)
        let found = ContentDigest(sum: sums.contentDigest)
        guard found == contentDigest else {
            throw RuntimeError(
                .untrusted,
                "\(layerName) does not belong to the image: uncompressed it has the digest \(found), and the "
                    + "configuration lists \(contentDigest)")
        }
    }

    private func check(_ sum: [UInt8], _ size: Int64, _ descriptor: ContentDescriptor, _ layerName: String) throws {
        let digest = ContentDigest(sum: sum)
        guard digest == descriptor.digest, size == descriptor.size else {
            throw RuntimeError(
                .untrusted,
                "\(layerName) is damaged or was tampered with: it has \(size) bytes and the digest \(digest) instead of "
                    + "\(descriptor.size) bytes and \(descriptor.digest); get it again")
        }
    }
}
