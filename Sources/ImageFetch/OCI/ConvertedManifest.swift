// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// Where an image comes from, for its name, labels and annotations.
package struct ImageOrigin: Sendable, Equatable {
    /// What the image is called: `registry-1.docker.io/library/redis`.
    package var name: ACIdentifier
    /// The label `version`; nil for none.
    package var version: String?
    /// Where it is from, as the user wrote it.
    package var originalName: String
    /// Host of the registry; nil when it is not from one.
    package var registry: String?
    /// Name in the registry, or of the image where there is no registry.
    package var repository: String
    package var tag: String?

    package init(
        name: ACIdentifier, version: String?, originalName: String, registry: String? = nil, repository: String,
        tag: String? = nil
    ) {
        self.name = name
        self.version = version
        self.originalName = originalName
        self.registry = registry
        self.repository = repository
        self.tag = tag
    }
}

/// Turns the configuration of a Docker or OCI image into an image manifest.
struct ConvertedManifest {
    let manifest: ImageManifest
    /// What of the configuration has no place in a manifest, one sentence each.
    let warnings: [String]

    /// - Parameters:
    ///   - configurationDigest: Docker's ID of the image.
    ///   - accounts: the image's `/etc/passwd`, if it has one.
    init(
        _ configuration: ImageConfiguration, _ origin: ImageOrigin, configurationDigest: ContentDigest,
        manifestDigest: ContentDigest, accounts: [UInt8]?
    ) throws {
        var warnings: [String] = []
        var manifest = ImageManifest(name: origin.name)
        if let version = origin.version { manifest.labels.set("version", version) }
        let platform = configuration.platform
        if let architecture = platform.label {
            manifest.labels.set("os", platform.system)
            manifest.labels.set("arch", architecture)
        } else {
            warnings.append("the platform \"\(platform)\" of the image has no App Container name and gets no labels")
        }
        manifest.annotations = ConvertedManifest.annotations(configuration, origin, configurationDigest, manifestDigest)
        let (user, group) = ConvertedManifest.account(configuration.user, accounts)
        var app = App(exec: configuration.entrypoint + configuration.command, user: user, group: group)
        app.workingDirectory = ConvertedManifest.absolute(configuration.workingDirectory)
        var environment: [EnvironmentVariable] = []
        for variable in configuration.environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if (try? EnvironmentVariable.check(name: name)) == nil {
                warnings.append(
                    "the variable \(ScalarError.quoted(name)) of the image has no valid name and is left out")
            } else {
                environment.append(EnvironmentVariable(name: name, value: parts.count > 1 ? String(parts[1]) : ""))
            }
        }
        app.environment = Environment(environment)
        var ports: Set<ACName> = []
        for text in configuration.exposedPorts {
            if let port = ConvertedManifest.port(text), ports.insert(port.name).inserted {
                app.ports.append(port)
            } else {
                warnings.append(
                    "the exposed port \(ScalarError.quoted(text)) of the image is not valid and is left out")
            }
        }
        app.mountPoints = try ConvertedManifest.mountPoints(configuration.volumes)
        app.userLabels = configuration.labels
        manifest.app = app
        // What a registry serves must not make a manifest that could not be read again.
        do {
            self.manifest = try ImageManifest(parsing: Array(manifest.encoded().utf8))
        } catch {
            throw RuntimeError(.invalidArgument, "\(origin.originalName) makes no valid image manifest: \(error)")
        }
        self.warnings = warnings
    }

    // MARK: - Parts

    private static func annotations(
        _ configuration: ImageConfiguration, _ origin: ImageOrigin, _ configurationDigest: ContentDigest,
        _ manifestDigest: ContentDigest
    ) -> Annotations {
        var annotations = Annotations()
        if let author = configuration.author, !author.isEmpty { annotations.set("author", author) }
        if let created = configuration.created, (try? Timestamp.check(created)) != nil {
            annotations.set("created", created)
        }
        if let registry = origin.registry { annotations.set("appc.io/docker/registryurl", registry) }
        annotations.set("appc.io/docker/repository", origin.repository)
        annotations.set("appc.io/docker/imageid", configurationDigest.hex)
        annotations.set("appc.io/docker/manifesthash", manifestDigest.description)
        annotations.set("appc.io/docker/originalname", origin.originalName)
        if let tag = origin.tag { annotations.set("appc.io/docker/tag", tag) }
        func list(_ texts: [String]) -> String { JSONValue.array(texts.map { .string($0) }).encoded() }
        if !configuration.entrypoint.isEmpty {
            annotations.set("appc.io/docker/entrypoint", list(configuration.entrypoint))
        }
        if !configuration.command.isEmpty { annotations.set("appc.io/docker/cmd", list(configuration.command)) }
        return annotations
    }

    /// Splits `USER[:GROUP]`. Without a group it is the user's own, as `/etc/passwd` tells it, else root's.
    private static func account(_ text: String, _ accounts: [UInt8]?) -> (user: String, group: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let user = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        if parts.count > 1, !parts[1].isEmpty { return (user, parts[1]) }
        for line in (accounts ?? []).split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            guard fields.count >= 4, fields[0] == user || fields[2] == user, UInt32(fields[3]) != nil else { continue }
            return (user, fields[3])
        }
        return (user, "0")
    }

    private static func absolute(_ directory: String) -> String {
        directory.isEmpty || directory.hasPrefix("/") ? directory : "/" + directory
    }

    /// Reads `PORT[-LAST][/PROTOCOL]`.
    private static func port(_ text: String) -> Port? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let transport = parts.count > 1 ? parts[1].lowercased() : "tcp"
        let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first > 0, first <= last,
            ["tcp", "udp", "sctp"].contains(transport),
            let name = try? ACName(parsing: "\(parts[0])-\(transport)")
        else { return nil }
        return Port(name: name, protocol: transport, port: Int(first), count: Int(last - first) + 1)
    }

    /// Mount points named `volume-` and the path; a number tells apart paths that would get the same name.
    private static func mountPoints(_ volumes: [String]) throws -> [MountPoint] {
        var points: [MountPoint] = []
        var names: Set<ACName> = []
        for volume in volumes {
            let path = absolute(volume)
            let base = (try? ACName.suggest(from: "volume-" + path)) ?? "volume"
            let plain = base.string.split(separator: "-").joined(separator: "-")
            var name = try ACName(parsing: plain)
            var number = 2
            while !names.insert(name).inserted {
                name = try ACName(parsing: "\(plain)-\(number)")
                number += 1
            }
            points.append(MountPoint(name: name, path: path.isEmpty ? "/" : path))
        }
        return points
    }
}
