// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive

/// How much an image of a registry or layout may ask for before it is refused.
package struct ContentLimits: Sendable {
    /// Bytes of an index or manifest; 4 MiB is what registries allow.
    package var documentBytes = 4 << 20
    /// Bytes of an image configuration.
    package var configurationBytes = 8 << 20
    /// Indexes within indexes.
    package var nesting = 4
    /// Entries of an index.
    package var indexEntries = 4096
    /// Layers of an image.
    package var layers = 512
    /// Bytes of one blob.
    package var blobBytes: Int64 = 64 << 30

    package init() {}
}

/// The manifest of one image: its configuration and its layers, the lowest first.
struct ContentManifest {
    let configuration: ContentDescriptor
    let layers: [ContentDescriptor]

    init(_ document: DocumentField, limits: ContentLimits) throws {
        configuration = try ContentDescriptor(document["config"])
        layers = try document["layers"].elements(limit: limits.layers).map { try ContentDescriptor($0) }
        guard MediaType.kind(configuration.mediaType) == .configuration else {
            throw document["config"].failure(
                "is of type \"\(configuration.mediaType)\": this is not a container image but something else kept like "
                    + "one")
        }
        guard configuration.size <= limits.configurationBytes else {
            throw document["config"].failure("is larger than \(limits.configurationBytes) bytes, the most allowed")
        }
        for (index, layer) in layers.enumerated() {
            let name = "layer \(index + 1) of \(layers.count)"
            let kind = MediaType.kind(layer.mediaType)
            if kind == .foreignLayer || layer.isElsewhere {
                throw RuntimeError(
                    .unsupported,
                    "\(document.document): \(name) is a foreign layer, which is not kept with its image; only images "
                        + "with all their layers can be converted")
            }
            guard kind == .layer else {
                throw RuntimeError(
                    .unsupported,
                    "\(document.document): \(name) is of type \"\(layer.mediaType)\", which is not supported; layers "
                        + "are tar archives, plain or compressed with gzip or zstd")
            }
            guard layer.size <= limits.blobBytes else {
                throw RuntimeError(
                    .invalidArgument,
                    "\(document.document): \(name) has \(layer.size) bytes, and \(limits.blobBytes) are the most allowed; "
                        + ArchiveLimits.remedy("imageSize")
                )
            }
        }
    }
}

/// What a document that stands for an image is.
enum ContentDocument {
    case index([ContentDescriptor])
    case manifest(ContentManifest)

    /// - Parameter declaredType: what the server or the descriptor calls it; the document's own word counts more.
    init(parsing bytes: [UInt8], declaredType: String, document: String, limits: ContentLimits) throws {
        let field = try DocumentField(parsing: bytes, document: document)
        let declared = declaredType.split(separator: ";").first.map { $0.filter { $0 != " " } } ?? ""
        let version = try field["schemaVersion"].int()
        var type = try field["mediaType"].string() ?? declared
        if MediaType.kind(type) == .other, version == 2 {
            type = field["manifests"].isAbsent ? MediaType.manifest : MediaType.index
        }
        if version == 1 || MediaType.kind(type) == .oldManifest {
            throw RuntimeError(
                .unsupported,
                "\(document) is in Docker's image format version 2 schema 1, which is obsolete and not supported; push "
                    + "the image anew with a current tool")
        }
        switch MediaType.kind(type) {
        case .index:
            guard field["layers"].isAbsent, field["config"].isAbsent else {
                throw RuntimeError(.invalidArgument, "\(document) is both an index and a manifest")
            }
            self = .index(
                try field["manifests"].elements(limit: limits.indexEntries).map { try ContentDescriptor($0) })
        case .manifest:
            guard field["manifests"].isAbsent else {
                throw RuntimeError(.invalidArgument, "\(document) is both a manifest and an index")
            }
            self = .manifest(try ContentManifest(field, limits: limits))
        default:
            throw RuntimeError(.unsupported, "\(document) is of type \"\(type)\", not an image manifest or index")
        }
    }
}

/// Where the documents and blobs of images are.
protocol ContentSource {
    /// The bytes of a document, neither their size nor their digest checked.
    func document(_ descriptor: ContentDescriptor, limit: Int) throws -> [UInt8]
}

extension ContentSource {
    /// The bytes of a document of this size and digest.
    func checkedDocument(_ descriptor: ContentDescriptor, limit: Int, name: String) throws -> [UInt8] {
        guard descriptor.size <= limit else {
            throw RuntimeError(
                .invalidArgument, "\(name) has \(descriptor.size) bytes, and \(limit) are the most allowed")
        }
        let bytes = try document(descriptor, limit: limit)
        let digest = ContentDigest(of: bytes)
        guard Int64(bytes.count) == descriptor.size, digest == descriptor.digest else {
            throw RuntimeError(
                .untrusted,
                "\(name) is damaged or was tampered with: it has \(bytes.count) bytes and the digest \(digest) instead of "
                    + "\(descriptor.size) bytes and \(descriptor.digest)")
        }
        return bytes
    }

    /// Goes from a document down to the manifest for a platform.
    ///
    /// - Returns: the manifest and its digest.
    func manifest(
        from start: ContentDocument, digest: ContentDigest, for guest: ImagePlatform, name: String,
        limits: ContentLimits
    ) throws -> (manifest: ContentManifest, digest: ContentDigest) {
        var document = start
        var digest = digest
        for _ in 0...limits.nesting {
            switch document {
            case .manifest(let manifest): return (manifest, digest)
            case .index(let entries):
                let chosen = try choose(entries, guest, name)
                digest = chosen.digest
                let part = "the manifest \(digest.short) of \(name)"
                let bytes = try checkedDocument(chosen, limit: limits.documentBytes, name: part)
                document = try ContentDocument(
                    parsing: bytes, declaredType: chosen.mediaType, document: part, limits: limits)
            }
        }
        throw RuntimeError(
            .invalidArgument, "\(name) has indexes nested deeper than \(limits.nesting), the most allowed")
    }

    private func choose(_ entries: [ContentDescriptor], _ guest: ImagePlatform, _ name: String) throws
        -> ContentDescriptor
    {
        let images = entries.filter { [.index, .manifest].contains(MediaType.kind($0.mediaType)) }
        var best: (entry: ContentDescriptor, rank: Int)?
        for entry in images {
            // Attestations are listed as images for "unknown".
            guard let rank = entry.platform.map({ $0.suitability(for: guest) }) ?? 0 else { continue }
            if best.map({ rank > $0.rank }) ?? true { best = (entry, rank) }
        }
        if let best { return best.entry }
        let platforms = Set(images.compactMap { $0.platform?.description }).subtracting(["unknown/unknown"])
        let list = platforms.isEmpty ? "nothing" : platforms.sorted().prefix(20).joined(separator: ", ")
        throw RuntimeError(.notFound, "\(name) has no image for \(guest); it has images for \(list)")
    }
}
