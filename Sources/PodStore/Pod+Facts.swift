// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What a pod's directory tells. Facts that are not there yet, or no longer, are nil: a pod may be half made or half
/// removed while it is being looked at.
extension Pod {
    /// The pod manifest, without apps that are not in the pod yet or are no longer.
    ///
    /// - Throws: when it is missing or malformed.
    package func manifest() throws -> PodManifest { complete(try PodManifest(parsing: manifestBytes())) }

    package func manifestBytes() throws -> [UInt8] { try FileSystem.read(layout.manifest) }

    /// When the pod was made, in nanoseconds since 1970: the time of its manifest, else of its directory. A manifest that
    /// apps are added to is written anew, and the record of the pod's images is not.
    package var createdAt: Int64? {
        let record = FileSystem.exists(layout.live) ? modificationTime(layout.images) : nil
        return record ?? modificationTime(layout.manifest) ?? modificationTime(layout.directory)
    }

    /// When its supervisor came up, in nanoseconds since 1970.
    package var startedAt: Int64? {
        guard state.hasRun else { return nil }
        return modificationTime(layout.pidFile) ?? modificationTime(layout.ppidFile)
    }

    /// When an exited pod was marked for removal, in nanoseconds since 1970: the rename changed the directory.
    package var markedAt: Int64? {
        guard phase == .exitedGarbage || phase == .garbage else { return nil }
        return (try? FileSystem.status(layout.directory))?.changeTime
    }

    /// The process to enter: that of `pid`, or the only child of that of `ppid`.
    package var pid: Int32? {
        if let pid = number(layout.pidFile) { return pid }
        return number(layout.ppidFile).flatMap { Pod.onlyChild(of: $0) }
    }

    /// What machine runs the pod, as stage1 has recorded it.
    package var machine: JSONValue? { json(layout.machineRecord) }

    /// The pod's images, and what vouched for them when it was prepared.
    package var images: JSONValue? { json(layout.images) }

    /// Microseconds that the steps before stage1 took.
    package var preparation: JSONValue? { json(layout.preparation) }

    /// Microseconds after which each step of the last start and the end was reached.
    package var startLedger: JSONValue? { json(layout.startLedger) }

    /// How the pod ended, as stage1 has recorded it.
    package var end: JSONValue? { json(layout.endRecord) }

    /// Stage1 bounds what it records, which grows with the number of isolators.
    private static let recordLimit = 4 << 20

    private func json(_ path: FilePath) -> JSONValue? {
        (try? FileSystem.read(path, limit: Self.recordLimit)).flatMap { try? JSONValue(parsing: $0) }
    }

    /// The exit status of an app that ended.
    package func exitStatus(of app: String) -> Int32? { statusPaths(app).lazy.compactMap { number($0) }.first }

    /// Why an app ended, one word.
    package func exitCause(of app: String) -> String? {
        paths(layout.exitCause(app), "exit-cause", app).lazy.compactMap { text($0) }.first
    }

    /// When an app ended, in nanoseconds since 1970.
    package func finishedAt(of app: String) -> Int64? {
        statusPaths(app).lazy.compactMap { modificationTime($0) }.first
    }

    /// When an app was put into the pod, in nanoseconds since 1970.
    package func createdAt(of app: String) -> Int64? { modificationTime(layout.appCreated(app)) ?? createdAt }

    /// When an app was started, in nanoseconds since 1970: when stage1 wrote its environment, else the pod's start.
    package func startedAt(of app: String) -> Int64? {
        guard state.hasRun else { return nil }
        if FileSystem.exists(layout.appPlace(app)) { return modificationTime(layout.appStarted(app)) }
        return modificationTime(layout.environment(app)) ?? startedAt
    }

    /// The manifest of the image that an app was made from.
    package func imageManifest(of app: String) throws -> ImageManifest {
        try ImageManifest(parsing: FileSystem.read(layout.imageManifest(app)))
    }

    /// The ids of all rendered trees that this pod needs, stage1's included.
    package var treeIDs: Set<String> {
        let apps = (try? FileSystem.list(layout.appInfos)) ?? []
        let files = apps.map { layout.appTreeID($0) } + [layout.stage1TreeID]
        return Set(files.compactMap { text($0) })
    }

    /// Whether the supervisor has said that the apps were started.
    package var isReady: Bool {
        (try? FileSystem.readSymbolicLink(layout.supervisorStatus)) == "ready"
    }

    /// The networks the pod has, as `net-info.json` tells them.
    package var networks: JSONValue? {
        (try? FileSystem.read(layout.networkInfo)).flatMap { try? JSONValue(parsing: $0) }
    }

    /// An app's status stands in stage1's root; when that is not mounted, in the writable layer below it.
    private func statusPaths(_ app: String) -> [FilePath] { paths(layout.status(app), "status", app) }

    private func paths(_ path: FilePath, _ directory: String, _ app: String) -> [FilePath] {
        [path, layout.stage1Overlay.upper.appending("rkt").appending(directory).appending(app)]
    }

    private func modificationTime(_ path: FilePath) -> Int64? {
        (try? FileSystem.status(path))?.modificationTime
    }

    /// The first line of a small file. Some stand in stage1's root, where a pod that has broken out of its apps' roots can put
    /// a link to a file of the host, or a FIFO that nobody writes to.
    private func text(_ path: FilePath) -> String? {
        let options: FileDescriptor.OpenOptions = [.noFollow, .nonBlocking, .closeOnExec]
        guard let file = try? FileDescriptor.open(path, .readOnly, options: options) else { return nil }
        defer { try? file.close() }
        guard let bytes = try? FileSystem.read(file, path, limit: 4096) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }
        return line.isEmpty ? nil : String(line)
    }

    /// The number in a small file; one that is being written is not there yet.
    private func number(_ path: FilePath) -> Int32? { text(path).flatMap { Int32($0) } }

    /// Each thread has its own children (proc(5)), and a program may start its only one from any thread.
    private static func onlyChild(of parent: Int32) -> Int32? {
        let threads = FilePath("/proc/\(parent)/task")
        var children: [Substring] = []
        for thread in (try? FileSystem.list(threads)) ?? [] {
            let file = threads.appending(thread).appending("children")
            children += ((try? FileSystem.readText(file, limit: 1 << 16)) ?? "").split(separator: " ")
        }
        return children.count == 1 ? Int32(children[0]) : nil
    }
}
