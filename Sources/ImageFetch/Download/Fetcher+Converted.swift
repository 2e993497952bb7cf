// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import HTTPTransport
import HostConfiguration
import ImageStore
import LinuxPlatform
import SystemPackage

extension Fetcher {
    /// The image of a registry, converted to an ACI.
    ///
    /// - Parameters:
    ///   - name: `[HOST[:PORT]/]NAME[:TAG|@DIGEST]`.
    ///   - logins: the users of registries.
    package func image(docker name: String, logins: DockerAuthConfiguration) throws -> StoredImage {
        try Fetcher.wrapping("url", "docker://\(name)") {
            let reference: RegistryReference
            do throws(ScalarError) {
                reference = try RegistryReference(parsing: name)
            } catch {
                throw RuntimeError(.invalidArgument, "\(error)")
            }
            let point = DistributionPoint.docker(name).canonical
            let known = try store.image(from: point)
            if policy != .update {
                if let known {
                    web.note("using image from local store for url docker://\(name)")
                    return known.image
                }
                guard policy == .new else { throw Fetcher.absent("docker://\(name)") }
            }
            try refuseUnlessInsecure("docker://\(name)")
            web.note("remote fetching from URL \"docker://\(name)\"")
            let images = RegistryImages(
                transport: web.transport,
                security: RegistrySecurity(
                    allowsPlainHTTP: web.allowsPlainHTTP, verifiesServer: web.verifiesServers),
                settings: conversion, credentials: { Fetcher.authorization(logins, host: $0) })
            if let known, let digest = known.origin.entityTag,
                try images.currentDigest(reference)?.description == digest
            {
                web.note("using image from local store for url docker://\(name)")
                try store.note(StoredOrigin(point: point, entityTag: digest, checked: Time.now()), of: known.image)
                return known.image
            }
            web.note("fetching image from docker://\(name)")
            return try converted(called: reference.description, from: point) {
                try images.fetch(reference, writingTo: $0)
            }
        }
    }

    /// An image of an OCI layout, converted to an ACI.
    ///
    /// - Parameters:
    ///   - path: absolute; of the layout's directory or archive.
    ///   - reference: which of its images is meant; nil takes the only one.
    package func image(layout path: FilePath, reference: String?) throws -> StoredImage {
        let given = "oci:\(path)" + (reference.map { ":\($0)" } ?? "")
        return try Fetcher.wrapping("OCI layout", given) {
            try refuseUnlessInsecure(given)
            web.note("using image from layout \(path)")
            let layout = try OCILayout(path, settings: conversion)
            let point = DistributionPoint.layout(url: "file://\(path.lexicallyNormalized())", reference: reference)
            return try converted(called: given, from: point.canonical) {
                try layout.convert(ref: reference, writingTo: $0)
            }
        }
    }

    private var conversion: ConversionSettings {
        var limits = ContentLimits()
        limits.blobBytes = store.limits.fileBytes
        return ConversionSettings(
            temporary: store.layout.temporary, archiveLimits: store.limits, limits: limits, progress: progress)
    }

    /// Converts an image and puts the result into the store.
    private func converted(
        called name: String, from point: String, _ convert: (FileDescriptor) throws -> ConvertedImage
    ) throws -> StoredImage {
        let file = try FileSystem.openAnonymous(in: store.layout.temporary)
        defer { try? file.close() }
        let result = try convert(file)
        for warning in result.warnings { tell("warning: \(warning)") }
        guard lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw RuntimeError.systemCall("lseek", nil, Errno(rawValue: errno))
        }
        let image = try store.importImage(from: file, name: name)
        try store.note(StoredSignature.skipped, of: image)
        let origin = StoredOrigin(point: point, entityTag: result.rootDigest.description, checked: Time.now())
        try store.note(origin, of: image)
        return image
    }

    private func refuseUnlessInsecure(_ what: String) throws {
        guard verifier == nil else {
            throw RuntimeError(
                .untrusted,
                "\(what) cannot be verified: images of registries and layouts have no signatures; "
                    + "--insecure-options=image uses it without one")
        }
        tell(Fetcher.unverifiedWarning)
    }

    private static func authorization(_ logins: DockerAuthConfiguration, host: String) -> HTTPField? {
        logins.login(for: host).map {
            HTTPField("Authorization", "Basic " + Base64.encoded(Array("\($0.user):\($0.password)".utf8)))
        }
    }
}
