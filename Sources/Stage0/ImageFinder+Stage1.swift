// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import ImageFetch
import ImageStore
import LinuxPlatform
import SystemPackage

extension ImageFinder {
    /// The stage1 image of a pod, with everything it depends on. Installed ones need no signature.
    func findStage1(_ selection: Stage1Selection) throws -> StoredImage {
        let image = try findSelected(selection)
        try findParts(of: image, selection)
        return image
    }

    private func findSelected(_ selection: Stage1Selection) throws -> StoredImage {
        switch selection {
        case .standard: return try findStandardStage1()
        case .path(let path): return try importStage1(path)
        case .hash(let hash): return try find(hash: hash)
        case .name(let name): return try find(ImageReference(interpreting: Stage1Alias.resolve(name)))
        case .fromDirectory(let name):
            guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
                throw RuntimeError(.invalidArgument, "--stage1-from-dir takes a file name, not \"\(name)\"")
            }
            return try importStage1(settings.stage1Images.appending(name))
        case .url(let url): return try findStage1(at: url)
        }
    }

    private func findStage1(at url: String, isInstalled: Bool = false) throws -> StoredImage {
        let reference = try ImageReference(interpreting: url)
        if case .file(let path) = reference { return try importStage1(path, isInstalled: isInstalled) }
        return try find(reference)
    }

    /// - Parameter isInstalled: whether the configuration vouches for the file.
    func importStage1(_ path: FilePath, isInstalled: Bool = false) throws -> StoredImage {
        let directory = try ImageFinder.absolute(path).removingLastComponent()
        let isTrusted =
            isInstalled || directory == settings.stage1Images || directory == ImageFinder.programDirectory
        return try importFile(path, isTrusted: isTrusted, reusingUnchanged: true)
    }

    /// The image that the configuration names, or else the one that was installed with this program. It is never
    /// discovered: what runs all pods comes from where the administrator says.
    private func findStandardStage1() throws -> StoredImage {
        let configured = try HostConfiguration(reading: settings.configuration, [Stage1Configuration.self])[
            Stage1Configuration.self]
        if let identity = configured.identity {
            let name = ImageName(
                name: try ACIdentifier(parsing: Stage1Alias.resolve(identity.name.string)),
                labels: [Label(name: "version", value: identity.version)])
            if let image = try store.image(named: name) {
                notices.image("using image from local store for image name \(name)")
                return image
            }
        }
        guard let location = configured.location else { return try findInstalledStage1() }
        do {
            return try findStage1(at: location, isInstalled: true)
        } catch {
            // A program that was unpacked somewhere has its image beside it.
            guard let name = FilePath(location).lastComponent,
                let beside = ImageFinder.programDirectory?.appending(name),
                FileSystem.exists(beside)
            else { throw error }
            return try importStage1(beside)
        }
    }

    private func findInstalledStage1() throws -> StoredImage {
        let candidates = [settings.stage1Images, ImageFinder.programDirectory].compactMap {
            $0?.appending(Settings.stage1FileName)
        }
        for path in candidates {
            do {
                return try importStage1(path)
            } catch let error as RuntimeError where error.code == .notFound && !FileSystem.exists(path) {
                continue
            }
        }
        let places = candidates.map { "\"\($0)\"" }.joined(separator: " or ")
        throw RuntimeError(.notFound, "no stage1 image at \(places); install one or name one with --stage1-path")
    }

    /// Where this program stands, links resolved.
    static var programDirectory: FilePath? {
        (try? FileSystem.readSymbolicLink("/proc/self/exe")).map { FilePath($0).removingLastComponent() }
    }
}
