// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What an image runs and was made of, as Docker and OCI write it (OCI image specification 1.1, config.md).
struct ImageConfiguration {
    let platform: ImagePlatform
    let created: String?
    let author: String?
    /// `USER[:GROUP]`, names or numbers; empty for root.
    let user: String
    /// `PORT[/PROTOCOL]`, sorted.
    let exposedPorts: [String]
    /// `NAME=value`.
    let environment: [String]
    let entrypoint: [String]
    let command: [String]
    /// Paths, sorted.
    let volumes: [String]
    let workingDirectory: String
    let labels: [String: String]
    /// The digests of the layers' archives, uncompressed, the lowest first.
    let contentDigests: [ContentDigest]

    private static let listLimit = 65_536

    init(parsing bytes: [UInt8], name: String, limits: ContentLimits) throws {
        let document = try DocumentField(parsing: bytes, document: "the configuration of \(name)")
        let limit = ImageConfiguration.listLimit
        platform = try ImagePlatform(document)
        created = try document["created"].string()
        author = try document["author"].string()
        let config = document["config"]
        user = try config["User"].string() ?? ""
        exposedPorts = try config["ExposedPorts"].members(limit: limit).map(\.key).sorted()
        environment = try config["Env"].strings(limit: limit)
        entrypoint = try ImageConfiguration.arguments(config["Entrypoint"])
        command = try ImageConfiguration.arguments(config["Cmd"])
        volumes = try config["Volumes"].members(limit: limit).map(\.key).sorted()
        workingDirectory = try config["WorkingDir"].string() ?? ""
        var labels: [String: String] = [:]
        for (key, field) in try config["Labels"].members(limit: limit) { labels[key] = try field.string() ?? "" }
        self.labels = labels
        var digests: [ContentDigest] = []
        for field in try document["rootfs"]["diff_ids"].elements(limit: limits.layers) {
            do {
                digests.append(try ContentDigest(parsing: try field.requiredString()))
            } catch let error as ScalarError {
                throw field.failure(error.description)
            }
        }
        contentDigests = digests
    }

    /// A list of texts, or one text, as very old images have it.
    private static func arguments(_ field: DocumentField) throws -> [String] {
        if let text = field.value?.string { return text.isEmpty ? [] : [text] }
        return try field.strings(limit: listLimit)
    }
}
