// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a document or blob is, by the names of the OCI image specification 1.1 and of Docker's schema 2.
enum MediaType {
    /// The class of a media type.
    enum Kind: Equatable {
        case index, manifest, configuration, layer
        /// A layer that is kept elsewhere than with its image.
        case foreignLayer
        /// A manifest of Docker's schema 1.
        case oldManifest
        case other
    }

    static let index = "application/vnd.oci.image.index.v1+json"
    static let manifest = "application/vnd.oci.image.manifest.v1+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

    /// The manifests that are understood, for the field `Accept`.
    static let accepted = [index, manifest, dockerList, dockerManifest]

    static func kind(_ text: String) -> Kind {
        switch text {
        case index, dockerList: return .index
        case manifest, dockerManifest: return .manifest
        case "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json":
            return .configuration
        case "application/vnd.docker.distribution.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v1+prettyjws":
            return .oldManifest
        default: break
        }
        if text.hasPrefix("application/vnd.oci.image.layer.nondistributable.v1.tar")
            || text.hasPrefix("application/vnd.docker.image.rootfs.foreign.diff.tar")
        {
            return .foreignLayer
        }
        for base in ["application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"] {
            // The compression is told from the bytes; what is encrypted cannot be read.
            let suffixes = ["", "+gzip", "+zstd", ".gzip", ".zstd"]
            if suffixes.contains(where: { base + $0 == text }) { return .layer }
        }
        return .other
    }
}
