// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// A reference to a document or blob by digest and size.
package struct ContentDescriptor: Hashable, Sendable {
    package var mediaType: String
    package var digest: ContentDigest
    /// Bytes.
    package var size: Int64
    /// What the image runs on, if the index tells.
    package var platform: ImagePlatform?
    /// The annotation `org.opencontainers.image.ref.name`.
    package var referenceName: String?
    /// Whether it is kept at addresses of its own.
    package var isElsewhere: Bool

    package init(mediaType: String, digest: ContentDigest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        isElsewhere = false
    }

    init(_ field: DocumentField) throws {
        mediaType = try field["mediaType"].requiredString()
        do throws(ScalarError) {
            digest = try ContentDigest(parsing: try scalar(field["digest"]))
        } catch {
            throw field["digest"].failure(error.description)
        }
        size = try field["size"].size()
        platform = field["platform"].isAbsent ? nil : try ImagePlatform(field["platform"])
        referenceName = try field["annotations"]["org.opencontainers.image.ref.name"].string()
        isElsewhere = try !field["urls"].elements(limit: 64).isEmpty
    }
}

/// The text of a required field; one that is missing reads as the empty text.
private func scalar(_ field: DocumentField) throws(ScalarError) -> String {
    guard let text = field.value?.string else { throw ScalarError("", "is not a digest") }
    return text
}

/// What an image runs on, in the words of Go's toolchain.
package struct ImagePlatform: Hashable, Sendable, CustomStringConvertible {
    package var system: String
    package var architecture: String
    package var variant: String

    package init(system: String, architecture: String, variant: String = "") {
        self.system = system
        self.architecture = architecture
        self.variant = variant
    }

    init(_ field: DocumentField) throws {
        system = try field["os"].string() ?? ""
        architecture = try field["architecture"].string() ?? ""
        variant = try field["variant"].string() ?? ""
    }

    package var description: String {
        [system, architecture, variant].filter { !$0.isEmpty }.joined(separator: "/")
    }

    /// What guests of this build are.
    package static let guest: ImagePlatform = {
        let names = ["amd64": "amd64", "aarch64": "arm64", "i386": "386", "s390x": "s390x", "ppc64le": "ppc64le"]
        return ImagePlatform(system: Platform.operatingSystem, architecture: names[Platform.architecture] ?? "unknown")
    }()

    /// The label `arch` of this platform; nil for one that labels have no name for.
    var label: String? {
        let label: String? =
            switch (system, architecture, variant) {
            case ("linux", "386", _): "i386"
            case ("linux", "arm64", _): "aarch64"
            case ("linux", "arm", "v7"), ("linux", "arm", "v8"): "armv7l"
            case ("linux", "arm", ""), ("linux", "arm", "v6"): "armv6l"
            case ("darwin", "amd64", _): "x86_64"
            case ("darwin", "386", _), ("freebsd", "386", _): "i386"
            default: architecture
            }
        guard let label, Platform.architectures[system]?.contains(label) == true else { return nil }
        return label
    }

    /// How well an image for this platform runs on another one; nil when it does not, larger is better.
    ///
    /// Any variant of the baseline counts, an image without variant most: `v2` of amd64 may need what a guest lacks.
    func suitability(for guest: ImagePlatform) -> Int? {
        guard system == guest.system, architecture == guest.architecture else { return nil }
        let baselines = ["amd64": "v1", "arm64": "v8"]
        if variant == guest.variant { return 2 }
        return variant == baselines[architecture] ? 1 : nil
    }
}
