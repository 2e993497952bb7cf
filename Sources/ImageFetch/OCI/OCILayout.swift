// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// An OCI image layout (image specification 1.1, image-layout.md): a directory, or a tar archive of one.
package final class OCILayout {
    private let path: FilePath
    private let settings: ConversionSettings
    private let files: any LayoutFiles
    private let entries: [ContentDescriptor]

    /// - Parameter path: of the directory, or of the archive, which may be compressed.
    package init(_ path: FilePath, settings: ConversionSettings) throws {
        self.path = path
        self.settings = settings
        let isDirectory = try FileSystem.status(path, followSymbolicLink: true).type == .directory
        files =
            isDirectory
            ? LayoutDirectory(path: path) : try LayoutArchive(path, settings: settings)
        let layout = try files.read("oci-layout", limit: 4096)
        guard let layout else {
            var remedy = "it holds no file \"oci-layout\""
            if try files.read("manifest.json", limit: settings.limits.documentBytes) != nil {
                remedy += "; it looks like what `docker save` writes: convert it with "
                remedy += "`skopeo copy docker-archive:FILE oci:DIRECTORY`"
            }
            throw RuntimeError(.invalidArgument, "\(path) is not an OCI image layout: \(remedy)")
        }
        let version = try DocumentField(parsing: layout, document: "oci-layout of \(path)")["imageLayoutVersion"]
        guard try version.requiredString() == "1.0.0" else {
            throw RuntimeError(
                .unsupported,
                "\(path) is an OCI image layout of version \(try version.requiredString()); only 1.0.0 is supported")
        }
        let name = "index.json of \(path)"
        guard let index = try files.read("index.json", limit: settings.limits.documentBytes) else {
            throw RuntimeError(.invalidArgument, "\(path) is not an OCI image layout: it holds no file \"index.json\"")
        }
        guard
            case .index(let entries) = try ContentDocument(
                parsing: index, declaredType: MediaType.index, document: name, limits: settings.limits)
        else { throw RuntimeError(.invalidArgument, "\(name) is not an image index") }
        self.entries = entries
    }

    /// The references that the layout's images have, sorted.
    package var references: [String] { Set(entries.compactMap(\.referenceName)).sorted() }

    /// Converts an image to an ACI.
    ///
    /// - Parameters:
    ///   - ref: a reference (`org.opencontainers.image.ref.name`) or a digest; nil takes the only image.
    ///   - name: what the image is called; nil takes it from the reference or the layout's file name.
    ///   - output: gets the uncompressed ACI from its offset on; what it holds means nothing after an error.
    package func convert(
        ref: String? = nil, name: ACIdentifier? = nil, writingTo output: FileDescriptor
    ) throws -> ConvertedImage {
        let chosen = try entries(for: ref)
        let title = "\(path.lastComponent?.string ?? path.string)" + (ref.map { ":\($0)" } ?? "")
        let source = LayoutSource(files: files, name: title)
        let root = chosen[0].digest
        let (content, digest) = try source.manifest(
            from: .index(chosen), digest: root, for: settings.platform, name: title, limits: settings.limits)
        let bytes = try source.checkedDocument(
            content.configuration, limit: settings.limits.configurationBytes, name: "the configuration of \(title)")
        let configuration = try ImageConfiguration(parsing: bytes, name: title, limits: settings.limits)
        let conversion = ImageConversion(settings: settings, name: title)
        let converted = try conversion.convert(
            content, configuration: configuration, origin: try origin(ref ?? chosen[0].referenceName, name),
            manifestDigest: digest,
            layers: { layer, use in
                guard let blob = try files.open(layer.digest) else { throw source.missing(layer.digest) }
                defer { files.close(blob) }
                try use(blob)
            },
            writingTo: output)
        return ConvertedImage(
            manifest: converted.manifest, manifestDigest: digest, rootDigest: chosen.count == 1 ? root : digest,
            configurationDigest: content.configuration.digest, url: nil, warnings: converted.warnings)
    }

    // MARK: - References

    /// The entries that a reference stands for: one, or one for each platform.
    private func entries(for ref: String?) throws -> [ContentDescriptor] {
        let chosen =
            ref.map { ref in entries.filter { $0.referenceName == ref || $0.digest.description == ref } } ?? entries
        guard !chosen.isEmpty else {
            throw RuntimeError(
                .notFound, ref.map { "\(path) has no image \"\($0)\"; \(inventory)" } ?? "\(path) holds no image")
        }
        let isAmbiguous = chosen.count > 1 && chosen.contains { $0.platform == nil }
        guard !isAmbiguous, ref != nil || Set(chosen.map(\.referenceName)).count == 1 else {
            throw RuntimeError(
                .invalidArgument, "\(path) holds several images, so that one must be named; \(inventory)")
        }
        return chosen
    }

    private var inventory: String {
        let names = references
        if names.isEmpty {
            let digests = entries.prefix(20).map(\.digest.description).joined(separator: ", ")
            return "its images have no references, only digests: \(digests)"
        }
        let list = names.prefix(50).map { ScalarError.quoted($0) }.joined(separator: ", ")
        return "it has \(list)" + (names.count > 50 ? " and \(names.count - 50) more" : "")
    }

    /// A reference may be a whole name such as `docker.io/library/redis:3.2`, or only the part behind the colon.
    private func origin(_ ref: String?, _ name: ACIdentifier?) throws -> ImageOrigin {
        var version = ref
        var full: String?
        if let ref, ref.contains("/"), let parsed = try? RegistryReference(parsing: ref) {
            full = "\(parsed.host)/\(parsed.repository)"
            version = parsed.tag
        }
        if let ref, ref.hasPrefix("sha256:") { version = ref.replacingColons }
        var file = path.lastComponent?.string ?? "image"
        for suffix in [".gz", ".zst", ".xz", ".bz2", ".tgz", ".tar", ".oci"] where file.hasSuffix(suffix) {
            file.removeLast(suffix.count)
        }
        let chosen: ACIdentifier
        do throws(ScalarError) {
            chosen = if let name { name } else { try ACIdentifier.suggest(from: full ?? file) }
        } catch {
            throw RuntimeError(.invalidArgument, "\(path) gives its image no name: \(error); name the image")
        }
        return ImageOrigin(
            name: chosen, version: version, originalName: chosen.string + (version.map { ":\($0)" } ?? ""),
            repository: chosen.string, tag: version)
    }
}

extension String {
    /// The text with hyphens for colons, as versions in image names may hold none.
    var replacingColons: String { String(map { $0 == ":" ? "-" : $0 }) }
}

/// Documents of a layout.
private struct LayoutSource: ContentSource {
    let files: any LayoutFiles
    let name: String

    func document(_ descriptor: ContentDescriptor, limit: Int) throws -> [UInt8] {
        guard let bytes = try files.read("blobs/sha256/\(descriptor.digest.hex)", limit: limit) else {
            throw missing(descriptor.digest)
        }
        return bytes
    }

    func missing(_ digest: ContentDigest) -> RuntimeError {
        RuntimeError(.notFound, "\(name) is incomplete: the layout lacks the blob \(digest)")
    }
}
