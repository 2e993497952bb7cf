// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import ImageArchive
import ImageFetch
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// What the commands of this program do, one method each.
package struct PodRuntime: Sendable {
    package let settings: Settings
    package let notices: Notices
    package let pods: PodStore
    private let progress: Progress?
    let transport: any HTTPTransport
    /// Milliseconds for a program of stage1 that changes a pod: more than stage1 itself waits for a guest.
    package var changeProgramPatience = 70_000

    /// - Parameters:
    ///   - progress: hears how far fetching, importing and rendering images have come.
    ///   - transport: reaches the network, in place of the program for that.
    package init(_ settings: Settings, progress: Progress? = nil, transport: (any HTTPTransport)? = nil) {
        self.progress = progress
        // Stage1 runs elsewhere: a relative path must go on meaning the same.
        var settings = settings
        settings.dataDirectory = PodRuntime.absolute(settings.dataDirectory)
        settings.localConfiguration = PodRuntime.absolute(settings.localConfiguration)
        settings.systemConfiguration = PodRuntime.absolute(settings.systemConfiguration)
        settings.userConfiguration = settings.userConfiguration.map(PodRuntime.absolute)
        self.settings = settings
        notices = Notices(isDebug: settings.isDebug)
        self.transport = transport ?? DownloadProgram.installed(notices)
        pods = PodStore(dataDirectory: settings.dataDirectory)
    }

    private static func absolute(_ path: FilePath) -> FilePath {
        guard path.isRelative, let here = try? FileSystem.readSymbolicLink("/proc/self/cwd") else { return path }
        return FilePath(here).pushing(path).lexicallyNormalized()
    }

    /// Opens the image store of the data directory, which is made when it is missing.
    package func openImages() throws -> ImageStore {
        let limits = try HostConfiguration(reading: settings.configuration, [LimitsConfiguration.self])[
            LimitsConfiguration.self]
        return try ImageStore(
            dataDirectory: settings.dataDirectory, progress: progress, limits: ArchiveLimits(limits))
    }

    // MARK: - UUID files

    /// The text of a file that `--uuid-file-save` wrote.
    package static func uuid(fromFile path: FilePath) throws -> String {
        let text: String
        do {
            text = try FileSystem.readText(path, limit: 4096)
        } catch {
            throw RuntimeError(.notFound, "--uuid-file=\(path)", cause: error)
        }
        return String(text.trimmingPrefix { $0.isWhitespace }.prefix { !$0.isWhitespace })
    }

    func saveUUID(_ uuid: PodUUID, to path: FilePath?) throws {
        guard let path else { return }
        do {
            try FileSystem.write(uuid.description.utf8, to: path)
        } catch {
            throw RuntimeError(.invalidArgument, "--uuid-file-save=\(path)", cause: error)
        }
    }

    /// Removes a file that names a pod which does not exist. Whatever else the path leads to stays.
    func forgetUUID(_ uuid: PodUUID, in path: FilePath?) {
        guard let path, (try? FileSystem.status(path))?.type == .regular,
            (try? FileSystem.readText(path, limit: 4096)) == uuid.description
        else { return }
        try? FileSystem.remove(path)
    }

    // MARK: - Images

    /// Finds an image as `fetch`, `run` and `prepare` do; what the store does not have comes into it.
    ///
    /// - Parameter signature: a file with the image's signature.
    package func fetch(
        _ argument: String, signature: String? = nil, policy: PullPolicy = .new
    ) throws -> StoredImage {
        try imageFinder(policy).find(argument, signature: signature)
    }

    /// Finds an image as the subcommands of `image` do: by ID or name, in the store only.
    package func storedImage(_ argument: String) throws -> StoredImage { try imageFinder().findStored(argument) }

    func imageFinder(_ policy: PullPolicy = .new) throws -> ImageFinder {
        ImageFinder(
            settings: settings, notices: notices, store: try openImages(), policy: policy, progress: progress,
            transport: transport)
    }
}
