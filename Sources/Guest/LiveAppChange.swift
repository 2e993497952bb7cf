// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// What a child of the agent does to one app of a mutable pod, in the mount namespace of process 1.
package struct LiveAppChange {
    package let name: String

    private var service: String { "\(name).service" }
    private var reaper: String { "reaper-\(name).service" }

    /// - Throws: when the name is none that an app can have.
    package init(app name: String) throws {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isPlain, !name.isEmpty, name.utf8.count <= 200 else {
            throw RuntimeError(.invalidArgument, "no app can be named \"\(name)\"")
        }
        self.name = name
    }

    // MARK: - Adding

    /// Makes the app's root and units; what fails leaves nothing.
    func add(_ live: LiveApp) throws {
        let app = live.app
        guard app.name == name, FilePath(app.root).lexicallyNormalized().starts(with: GuestLayout.liveRoots) else {
            throw RuntimeError(.invalidArgument, "the root of app \(name) is \(app.root)")
        }
        guard !FileSystem.exists(GuestLayout.app(name)) else {
            throw RuntimeError(.invalidState, "the pod has an app \(name)")
        }
        do {
            try make(live)
        } catch {
            // What is left of it has no name that anybody knows.
            try? clear()
            throw error
        }
    }

    private func make(_ live: LiveApp) throws {
        // First: it tells where the root is.
        try FileSystem.write(live.app.encoded, to: GuestLayout.app(name), mode: 0o600)
        let shared = try PodConfiguration(decoding: FileSystem.read(GuestLayout.mutablePod)).sharedFiles
        var app = live.app
        app.mounts = try mounts(of: app, shared)
        var root = AppRoot(app: app, sharedFiles: shared)
        // Flags of a share do not hold for what is mounted below it.
        root.restrictsVolumes = !GuestPort.isInContainer
        do {
            try root.mount()
        } catch {
            throw RuntimeError(.internal, "setting up the root of app \(name)", cause: error)
        }
        for file in inOrder(live.files) { try make(file) }
    }

    /// The service last: a manager that finds it then finds its reaper, too. It may list the directory while that is written,
    /// as it loads units of the root's mounts, and lists it again only when the time of its change is another one.
    package func inOrder(_ files: [PodConfiguration.File]) -> [PodConfiguration.File] {
        let service = unit(service).string
        return files.filter { $0.path != service } + files.filter { $0.path == service }
    }

    /// A file that the pod was told to have counts more than a volume in its place.
    private func mounts(
        of app: PodConfiguration.App, _ shared: [PodConfiguration.SharedFile]
    ) throws -> [PodConfiguration.Mount] {
        let resolver = "/etc/resolv.conf"
        guard shared.contains(where: { $0.path == resolver }) else { return app.mounts }
        let place = try FileSystem.place(of: FilePath(resolver), inRoot: FilePath(app.root))
        return app.mounts.filter { FilePath($0.target) != place }
    }

    private func make(_ file: PodConfiguration.File) throws {
        let path = FilePath(file.path).lexicallyNormalized()
        guard case .text(let text) = file.content, [unit(service), unit(reaper)].contains(path) else {
            throw RuntimeError(.invalidArgument, "\(file.path) is no unit of app \(name)")
        }
        try FileSystem.writeAtomically(Array(text.utf8), to: path)
    }

    private func unit(_ name: String) -> FilePath { GuestLayout.units.appending(name) }

    // MARK: - Starting and stopping

    /// Returns when the manager has begun to start the app.
    func start() throws {
        var systemd = try SystemdClient()
        defer { systemd.close() }
        for unit in [service, reaper] { try ignoringMissingUnit { try systemd.resetFailed(unit) } }
        do {
            try systemd.start(service)
        } catch let failure as SystemdClient.Failure where failure.isMissingUnit {
            // Its directory was read in the moment in which the file was made: it is read again when it has changed.
            try FileSystem.writeAtomically(FileSystem.read(unit(service)), to: unit(service))
            try systemd.start(service)
        }
    }

    func stop() throws {
        var systemd = try SystemdClient()
        defer { systemd.close() }
        try ignoringMissingUnit { try systemd.stop(service) }
    }

    private func ignoringMissingUnit(_ body: () throws -> Void) throws {
        do { try body() } catch let failure as SystemdClient.Failure where failure.isMissingUnit {}
    }

    // MARK: - Removing

    /// Takes away all that there is of an app that does not run.
    func remove() throws {
        var systemd = try SystemdClient()
        defer { systemd.close() }
        for unit in [service, reaper] { try ignoringMissingUnit { try systemd.resetFailed(unit) } }
        try clear()
        // The name may mean another app next. A manager forgets units that nothing needs by itself; where it may not make
        // control groups it would not find those of the units that run after a reload.
        if !GuestPort.isInContainer { try systemd.reload() }
    }

    private func clear() throws {
        for unit in [unit(service), unit(reaper)] where FileSystem.exists(unit) { try FileSystem.remove(unit) }
        let record = GuestLayout.app(name)
        guard FileSystem.exists(record) else { return }
        try unmount(FilePath(try PodConfiguration.App(decoding: FileSystem.read(record)).root))
        try FileSystem.remove(record)
    }

    /// Lets go of a root and of all below it, also of what the share shows there.
    private func unmount(_ root: FilePath) throws {
        // Mounts of a root are on top of one another: the share's, and the one that was made of it. All below one goes with it.
        // What is unmounted in a copy of a directory must stay where others use that: so the copy is made private first.
        for point in try Mount.points(beneath: root) where point == root {
            do {
                try Mount.mount(source: "", target: root, type: "", flags: [.recursive, .private])
                try Mount.unmount(point, detach: true)
            } catch {
                // In a container the root itself is the host's to take away.
                guard GuestPort.isInContainer else { throw error }
            }
        }
    }
}
