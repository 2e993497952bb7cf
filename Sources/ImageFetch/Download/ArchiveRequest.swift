// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// An archive to get from a web server, and what it must be.
struct ArchiveRequest {
    /// Where the signature is.
    enum Signature: Sendable {
        case url(String)
        case file(FilePath)
    }

    private(set) var url: String
    private(set) var signature: Signature
    var demand = ImageDemand()
    /// Whether a name without a version led here.
    var isLatest = false
    /// How many bytes it may have, as its user says.
    var limit: Int64?
    /// Further places of the image, which are asked in turn when this one fails.
    var alternatives: [ImageEndpoint] = []

    init(url: String, signature: Signature) {
        self.url = url
        self.signature = signature
    }

    /// The same with a file for its signature, wherever the image comes from.
    func with(signature path: FilePath) -> ArchiveRequest {
        var request = self
        request.signature = .file(path)
        return request
    }

    /// The same image at its next place; nil when there is none left.
    var next: ArchiveRequest? {
        guard let place = alternatives.first else { return nil }
        var request = self
        request.alternatives.removeFirst()
        request.url = place.image
        if case .url = signature { request.signature = .url(place.signature) }
        return request
    }
}
