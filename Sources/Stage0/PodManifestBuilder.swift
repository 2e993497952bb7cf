// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import PodStore

/// Builds the manifest of a pod from the images of a request and the overrides that come with them.
package struct PodManifestBuilder: Sendable {
    private let request: PodRequest
    private let environment: EnvironmentSources

    /// - Throws: when an environment file cannot be read or a variable is malformed.
    package init(_ request: PodRequest) throws {
        self.request = request
        environment = try EnvironmentSources(request)
    }

    /// - Parameter images: those of `request.apps`, in order.
    package func build(_ images: [(id: ImageID, manifest: ImageManifest)], _ notices: Notices) throws -> PodManifest {
        var apps: [RuntimeApp] = []
        var volumes = try VolumeBinding(parsing: request.volumes)
        for (app, image) in zip(request.apps, images) {
            var built = try build(app, image.id, image.manifest)
            guard !apps.contains(where: { $0.name == built.name }) else {
                throw RuntimeError(
                    .invalidArgument, "multiple apps with name \(built.name); give one another name with --name")
            }
            let mounts = try (app.mounts + request.mounts).map(VolumeBinding.mount(parsing:))
            try volumes.bind(&built, mounts, of: image.manifest, notices)
            apps.append(built)
        }
        var annotations: Annotations = [Annotation(name: PodAnnotation.mutable, value: "false")]
        annotations = annotations.merging(try FlagText.annotations(request.annotations, flag: "--annotation"))
        if request.isMutable { annotations.set(PodAnnotation.mutable, "true") }
        var manifest = PodManifest(
            acVersion: try ACVersion(parsing: Version.current), apps: apps, annotations: annotations,
            ports: try request.ports.map { try PodManifestBuilder.port(parsing: $0, ofApp: !request.isMutable) },
            userAnnotations: try FlagText.pairs(request.userAnnotations, flag: "--user-annotation"),
            userLabels: try FlagText.pairs(request.userLabels, flag: "--user-label"))
        volumes.describe(in: &manifest)
        do {
            _ = try manifest.forwardedPorts { $0.app }
        } catch {
            throw RuntimeError(.invalidArgument, "--port=\(request.ports.joined(separator: " --port="))", cause: error)
        }
        return manifest
    }

    private static func port(parsing text: String, ofApp: Bool) throws -> ExposedPort {
        do {
            return try ofApp ? ExposedPort(parsing: text) : ExposedPort(parsingWithoutApp: text)
        } catch {
            throw RuntimeError(.invalidArgument, "--port=\(text)", cause: error)
        }
    }

    func build(_ request: AppRequest, _ id: ImageID, _ image: ImageManifest) throws -> RuntimeApp {
        try ImagePlatform.check(image)
        let name = try PodManifestBuilder.appName(request, image)
        var app: App
        if let own = image.app {
            app = own
        } else {
            guard request.exec != nil else {
                throw RuntimeError(
                    .invalidArgument, "image \"\(image.name)\" has no app section; name the program to run with --exec")
            }
            app = App(exec: [])
        }
        if let exec = request.exec { app.exec = [exec] }
        app.exec += request.arguments
        guard app.exec.first.map({ !$0.isEmpty }) ?? false else {
            throw RuntimeError(.invalidArgument, "app \"\(name)\" has no program to run; name one with --exec")
        }
        if let user = request.user { app.user = try FlagText.nonEmpty(user, flag: "--user") }
        if let group = request.group { app.group = try FlagText.nonEmpty(group, flag: "--group") }
        if let list = request.supplementaryGIDs { app.supplementaryGIDs = try FlagText.groups(list) }
        if let directory = request.workingDirectory {
            guard directory.hasPrefix("/") else {
                throw RuntimeError(.invalidArgument, "--working-dir=\(directory) must be an absolute path")
            }
            app.workingDirectory = directory
        }
        app.environment = environment.merged(
            image: app.environment,
            app: Environment(try request.environment.map { try EnvironmentSources.parse($0, from: "--environment") }))
        app.isolators = try IsolatorOverrides(request).applied(to: app.isolators)
        app.userAnnotations.merge(try FlagText.pairs(request.userAnnotations, flag: "--user-annotation")) { $1 }
        app.userLabels.merge(try FlagText.pairs(request.userLabels, flag: "--user-label")) { $1 }
        return RuntimeApp(
            name: name, image: RuntimeImage(id: id, name: image.name, labels: image.labels), app: app,
            readOnlyRootFS: request.readOnlyRootfs ?? false,
            annotations: Annotations(
                try FlagText.annotations(request.annotations, flag: "--annotation") + AppStream.annotations(request)))
    }

    private static func appName(_ request: AppRequest, _ image: ImageManifest) throws -> ACName {
        do {
            if let name = request.name { return try ACName(parsing: name) }
            return try ACName.suggest(forImage: image.name)
        } catch {
            let origin = request.name.map { "--name=\($0)" } ?? "the name of image \"\(image.name)\""
            throw RuntimeError(.invalidArgument, "cannot name an app after \(origin)", cause: error)
        }
    }
}

/// Whether an image can run in a pod of this host.
enum ImagePlatform {
    static func check(_ image: ImageManifest) throws {
        guard let system = image.label("os") else { throw refusal("missing os label in the image manifest", image) }
        guard let architecture = image.label("arch") else {
            throw refusal("missing arch label in the image manifest", image)
        }
        guard system == Platform.operatingSystem else {
            throw refusal("bad os \"\(system)\" (must be \"\(Platform.operatingSystem)\")", image)
        }
        guard architecture == Platform.architecture else {
            throw refusal("bad arch \"\(architecture)\" (must be \"\(Platform.architecture)\")", image)
        }
    }

    private static func refusal(_ text: String, _ image: ImageManifest) -> RuntimeError {
        RuntimeError(.unsupported, "cannot run image \"\(image.name)\"", cause: RuntimeError(.unsupported, text))
    }
}
