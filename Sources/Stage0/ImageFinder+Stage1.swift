// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageStore
import LinuxPlatform
import SystemPackage

extension ImageFinder {
    /// The stage1 image of a pod. Installed ones need no signature.
    func findStage1(_ selection: Stage1Selection) throws -> StoredImage {
        switch selection {
        case .standard: return try findStandardStage1()
        case .path(let path): return try importStage1(path)
        case .hash(let hash): return try find(hash: hash)
        case .name(let name): return try find(name: name)
        case .fromDirectory(let name):
            guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
                throw RuntimeError(.invalidArgument, "--stage1-from-dir takes a file name, not \"\(name)\"")
            }
            return try importStage1(Settings.stage1Directory.appending(name))
        case .url(let url):
            if case .file(let path) = try ImageReference(interpreting: url) { return try importStage1(path) }
            return try find(url)
        }
    }

    private func importStage1(_ path: FilePath) throws -> StoredImage {
        let directory = try ImageFinder.absolute(path).removingLastComponent()
        let isInstalled = directory == Settings.stage1Directory || directory == ImageFinder.programDirectory
        return try importFile(path, isTrusted: isInstalled, reusingUnchanged: true)
    }

    private func findStandardStage1() throws -> StoredImage {
        let candidates = [Settings.stage1Directory, ImageFinder.programDirectory].compactMap {
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
