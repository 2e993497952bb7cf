// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import ImageFetch
import ImageStore
import LinuxPlatform
import SystemPackage

/// What a stage1 image depends on: one with another kernel needs the one that was installed with this program.
extension ImageFinder {
    /// Makes sure that everything a stage1 image depends on is in the store. Images of this host go first: installed ones,
    /// those of the store, and one beside the image's own file.
    func findParts(of image: StoredImage, _ selection: Stage1Selection) throws {
        let dependencies = try store.manifest(of: image).dependencies
        guard !dependencies.isEmpty else { return }
        let missing = try dependencies.filter { try !importInstalled($0) && !importBeside($0, of: selection) }
        guard let first = missing.first else { return }
        guard case .remote = try origin(of: selection) else {
            let name = ImageName(name: first.imageName, labels: first.labels)
            throw RuntimeError(
                .notFound,
                "stage1 image \"\(image.name)\" depends on \(name), which is neither in the store nor at "
                    + "\(try places(of: first, selection)); install or fetch it")
        }
        try fetcher(isOnline: true).fetchDependencies(of: image)
    }

    private enum Origin {
        case file(FilePath)
        case store
        case remote
    }

    private func origin(of selection: Stage1Selection) throws -> Origin {
        switch selection {
        case .standard, .hash: return .store
        case .fromDirectory(let name): return .file(settings.stage1Images.appending(name))
        case .path(let path): return .file(try ImageFinder.absolute(path))
        case .name: return .remote
        case .url(let url):
            guard case .file(let path) = try ImageReference(interpreting: url) else { return .remote }
            return .file(try ImageFinder.absolute(path))
        }
    }

    // MARK: - Places

    private func fileName(of dependency: ImageManifest.Dependency) -> String {
        "\(dependency.imageName.string.split(separator: "/").last ?? "").aci"
    }

    /// Files that were installed: the configured one, and those that have the image's name.
    private func installed(_ dependency: ImageManifest.Dependency) throws -> [(path: FilePath, isConfigured: Bool)] {
        var files: [(FilePath, Bool)] = []
        let configured = try HostConfiguration(reading: settings.configuration, [Stage1Configuration.self])[
            Stage1Configuration.self]
        if let location = configured.location, case .file(let path) = try ImageReference(interpreting: location) {
            files.append((path, true))
        }
        let directories = [settings.stage1Images, ImageFinder.programDirectory].compactMap { $0 }
        return files + directories.map { ($0.appending(fileName(of: dependency)), false) }
    }

    /// Where an image that was not installed may lie: beside the one that depends on it.
    private func beside(_ dependency: ImageManifest.Dependency, _ selection: Stage1Selection) throws -> FilePath? {
        guard case .file(let path) = try origin(of: selection) else { return nil }
        return path.removingLastComponent().appending(fileName(of: dependency))
    }

    private func places(of dependency: ImageManifest.Dependency, _ selection: Stage1Selection) throws -> String {
        let paths = try installed(dependency).map(\.path) + [try beside(dependency, selection)].compactMap { $0 }
        var seen: Set<FilePath> = []
        return paths.filter { seen.insert($0).inserted }.map { "\"\($0)\"" }.joined(separator: " or ")
    }

    // MARK: - Importing

    /// As for a pod that asks for no stage1 image, so that both get the same one.
    ///
    /// - Returns: whether the store has the dependency now.
    private func importInstalled(_ dependency: ImageManifest.Dependency) throws -> Bool {
        for (path, isConfigured) in try installed(dependency) where FileSystem.exists(path) {
            let image = try importStage1(path, isInstalled: isConfigured)
            if image.name == dependency.imageName.string, try isStored(dependency) { return true }
        }
        return try isStored(dependency)
    }

    private func importBeside(_ dependency: ImageManifest.Dependency, of selection: Stage1Selection) throws -> Bool {
        guard let path = try beside(dependency, selection), FileSystem.exists(path) else { return false }
        _ = try importStage1(path)
        return try isStored(dependency)
    }

    private func isStored(_ dependency: ImageManifest.Dependency) throws -> Bool {
        guard let id = dependency.imageID else {
            return try store.image(named: ImageName(name: dependency.imageName, labels: dependency.labels)) != nil
        }
        do {
            _ = try store.image(matching: id.string)
            return true
        } catch let error as RuntimeError where error.code == .notFound {
            return false
        }
    }
}
