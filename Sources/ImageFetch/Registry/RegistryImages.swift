// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage

/// Gets images from registries and converts them.
package struct RegistryImages {
    private let transport: any HTTPTransport
    private let credentials: @Sendable (_ host: String) throws -> HTTPField?
    private let security: RegistrySecurity
    private let settings: ConversionSettings

    /// How many layers are on their way at once.
    private static let parallelDownloads = 6

    /// - Parameter credentials: the field `Authorization` for a registry (host, and port if there is one); nil for none.
    package init(
        transport: any HTTPTransport, security: RegistrySecurity = RegistrySecurity(), settings: ConversionSettings,
        credentials: @escaping @Sendable (_ host: String) throws -> HTTPField? = { _ in nil }
    ) {
        self.transport = transport
        self.security = security
        self.settings = settings
        self.credentials = credentials
    }

    /// The digest that the registry has for a reference now, as ``ConvertedImage/rootDigest``; nil when it does not
    /// tell without sending everything.
    package func currentDigest(_ reference: RegistryReference) throws -> ContentDigest? {
        if let digest = reference.digest { return digest }
        let response = try session(reference).send(
            .head, "manifests/\(reference.selector)", accept: MediaType.accepted, limit: 1 << 20)
        guard response.status == 200 else { return nil }
        return response["Docker-Content-Digest"].flatMap { try? ContentDigest(parsing: $0) }
    }

    /// Gets an image and writes it as an ACI.
    ///
    /// - Parameter output: gets the uncompressed ACI from its offset on; what it holds means nothing after an error.
    package func fetch(_ reference: RegistryReference, writingTo output: FileDescriptor) throws -> ConvertedImage {
        let name = reference.description
        let source = RegistrySource(session: session(reference), name: name)
        let (root, rootDigest, url) = try source.root(reference, limits: settings.limits)
        let (content, digest) = try source.manifest(
            from: root, digest: rootDigest, for: settings.platform, name: name, limits: settings.limits)
        let bytes = try source.checkedBlob(
            content.configuration, limit: settings.limits.configurationBytes, name: "the configuration of \(name)")
        let configuration = try ImageConfiguration(parsing: bytes, name: name, limits: settings.limits)
        let layers = LayerFiles()
        try download(content.layers, from: source, name: name, into: layers)
        let conversion = ImageConversion(settings: settings, name: name)
        let converted = try conversion.convert(
            content, configuration: configuration, origin: try origin(reference), manifestDigest: digest,
            layers: { layer, use in
                try use(try layers.blob(layer))
                layers.release(layer)
            },
            writingTo: output)
        return ConvertedImage(
            manifest: converted.manifest, manifestDigest: digest, rootDigest: rootDigest,
            configurationDigest: content.configuration.digest, url: url, warnings: converted.warnings)
    }

    private func session(_ reference: RegistryReference) -> RegistrySession {
        RegistrySession(reference, transport: transport, security: security, credentials: credentials)
    }

    private func origin(_ reference: RegistryReference) throws -> ImageOrigin {
        do throws(ScalarError) {
            return ImageOrigin(
                name: try reference.imageName(), version: reference.version, originalName: reference.description,
                registry: reference.host, repository: reference.repository, tag: reference.tag)
        } catch {
            throw RuntimeError(.invalidArgument, "\(reference) gives its image no name: \(error)")
        }
    }

    // MARK: - Layers

    /// Gets each layer once into a file without a name.
    private func download(
        _ layers: [ContentDescriptor], from source: RegistrySource, name: String, into files: LayerFiles
    ) throws {
        for layer in layers { try files.expect(layer, in: settings.temporary) }
        let all = files.descriptors
        let total = all.reduce(Int64(0)) { $0 &+ $1.size }
        let done = DownloadProgress(settings.progress, "downloading \(name)", total: total)
        defer { done.end() }
        for start in stride(from: 0, to: all.count, by: RegistryImages.parallelDownloads) {
            let batch = all[start..<min(start + RegistryImages.parallelDownloads, all.count)]
            let results = try source.session.download(
                batch.map { layer in
                    let file = try files.blob(layer).file
                    let download = { (request: HTTPRequest) in
                        Download(request, to: file, onProgress: { count, _ in done.set(layer.digest, count) })
                    }
                    return ("blobs/\(layer.digest)", download, layer.size)
                })
            for (layer, result) in zip(batch, results) {
                let response = try result.get()
                guard response.status == 200 else {
                    throw source.session.failure(response, getting: "the layer \(layer.digest.short) of \(name)")
                }
                let size = try FileSystem.status(of: try files.blob(layer).file).size
                guard size == layer.size else {
                    throw RuntimeError(
                        .untrusted,
                        "the layer \(layer.digest.short) of \(name) has \(size) bytes instead of \(layer.size); get it "
                            + "again")
                }
            }
        }
    }
}

/// Documents of a repository.
private struct RegistrySource: ContentSource {
    let session: RegistrySession
    let name: String

    /// What a reference names, its digest, and where it came from.
    func root(_ reference: RegistryReference, limits: ContentLimits) throws -> (ContentDocument, ContentDigest, String)
    {
        let what = "the manifest of \(name)"
        let response = try session.send(
            .get, "manifests/\(reference.selector)", accept: MediaType.accepted, limit: Int64(limits.documentBytes))
        guard response.status == 200 else { throw session.failure(response, getting: what) }
        let digest = ContentDigest(of: response.body)
        let told = response["Docker-Content-Digest"].flatMap { try? ContentDigest(parsing: $0) }
        if let expected = reference.digest ?? told, expected != digest {
            throw RuntimeError(
                .untrusted, "\(what) is damaged or was tampered with: its digest is \(digest) instead of \(expected)")
        }
        let document = try ContentDocument(
            parsing: response.body, declaredType: response["Content-Type"] ?? "", document: what, limits: limits)
        return (document, digest, response.url)
    }

    func document(_ descriptor: ContentDescriptor, limit: Int) throws -> [UInt8] {
        try get("manifests/\(descriptor.digest)", "the manifest \(descriptor.digest.short) of \(name)", limit)
    }

    /// A document that is kept as a blob.
    func checkedBlob(_ descriptor: ContentDescriptor, limit: Int, name: String) throws -> [UInt8] {
        try BlobSource(source: self, what: name).checkedDocument(descriptor, limit: limit, name: name)
    }

    func get(_ part: String, _ what: String, _ limit: Int) throws -> [UInt8] {
        let response = try session.send(.get, part, accept: MediaType.accepted, limit: Int64(limit))
        guard response.status == 200 else { throw session.failure(response, getting: what) }
        return response.body
    }

    private struct BlobSource: ContentSource {
        let source: RegistrySource
        let what: String

        func document(_ descriptor: ContentDescriptor, limit: Int) throws -> [UInt8] {
            try source.get("blobs/\(descriptor.digest)", what, limit)
        }
    }
}

/// The files of layers on their way from registry to image, each kept as long as it is needed.
private final class LayerFiles {
    private var files: [ContentDigest: (file: FileDescriptor, uses: Int)] = [:]
    /// Each layer once, in the order of the image.
    private(set) var descriptors: [ContentDescriptor] = []

    deinit { for (file, _) in files.values { try? file.close() } }

    func expect(_ layer: ContentDescriptor, in directory: FilePath) throws {
        if let known = files[layer.digest] {
            files[layer.digest] = (known.file, known.uses + 1)
        } else {
            files[layer.digest] = (try FileSystem.openAnonymous(in: directory), 1)
            descriptors.append(layer)
        }
    }

    func blob(_ layer: ContentDescriptor) throws -> StoredBlob {
        guard let file = files[layer.digest]?.file else {
            throw RuntimeError(.internal, "the layer \(layer.digest) has not been downloaded")
        }
        return StoredBlob(file: file, range: 0..<(try FileSystem.status(of: file).size))
    }

    func release(_ layer: ContentDescriptor) {
        guard let known = files[layer.digest] else { return }
        files[layer.digest] = known.uses > 1 ? (known.file, known.uses - 1) : nil
        if known.uses == 1 { try? known.file.close() }
    }
}

/// Adds up what several downloads have done.
private final class DownloadProgress: Sendable {
    private let progress: Progress?
    private let step: String
    private let total: Int64
    private let counts = Mutex<[ContentDigest: Int64]>([:])

    init(_ progress: Progress?, _ step: String, total: Int64) {
        self.progress = progress
        self.step = step
        self.total = total
        progress?.report(step, 0, total)
    }

    func set(_ digest: ContentDigest, _ count: Int64) {
        let sum = counts.withLock { counts in
            counts[digest] = count
            return counts.values.reduce(0, +)
        }
        progress?.report(step, sum, total)
    }

    func end() { progress?.end() }
}
