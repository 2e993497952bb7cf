// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The mounts of an app, in a mount namespace that is its own already.
struct FlyMounts {
    private let plan: FlyPlan
    private let propagated: [FilePath: MountCopy]
    private var root: RootDirectory

    /// - Parameter propagated: copies of volumes that were made before the namespace was left, by their targets.
    init(_ plan: FlyPlan, _ propagated: [FilePath: MountCopy]) {
        self.plan = plan
        self.propagated = propagated
        root = RootDirectory(plan.root)
    }

    mutating func make() throws {
        do {
            // A mount point of its own, which can be made read-only without touching what is below.
            try Mount.bind(plan.root, plan.root, recursive: true)
            root.ownMounts = [try mountID(at: "/")]
        } catch {
            throw RuntimeError(.internal, "the app's root cannot be mounted", cause: error)
        }
        for mount in plan.mounts {
            do {
                try make(mount)
                if mount.isForeign { continue }
                let own = try mountID(at: mount.target.string)
                root.ownMounts?.insert(own)
            } catch {
                let code = (error as? RuntimeError)?.code ?? .internal
                throw RuntimeError(code, "cannot mount \(mount.target) for the app", cause: error)
            }
        }
        try linkMountTable()
        guard plan.program.hasReadOnlyRoot else { return }
        do {
            try Mount.mount(source: "", target: plan.root, type: "", flags: [.bind, .remount, .readOnly])
        } catch {
            throw RuntimeError(.internal, "the app's root cannot be made read-only", cause: error)
        }
    }

    private func mountID(at path: String) throws -> UInt64 {
        let found = try root.open(path)
        defer { try? found.close() }
        return try found.mountID
    }

    private func make(_ mount: FlyMount) throws {
        switch mount.source {
        case .memory:
            let target = try place(of: mount, isDirectory: true)
            defer { try? target.close() }
            try Mount.mount(
                source: "tmpfs", target: target.path, type: "tmpfs", flags: [.noSetUserID, .noDevices],
                data: "mode=1777")
        case .host(let source):
            try attach(MountCopy(of: source, isRecursive: true), mount, readOnly: false)
        case .pod(let source, let readOnly):
            try attach(MountCopy(of: source, isRecursive: false), mount, readOnly: readOnly)
        case .volume(let source, let isRecursive, let readOnly):
            let copy = try propagated[mount.target] ?? MountCopy(of: source, isRecursive: isRecursive)
            try attach(copy, mount, readOnly: readOnly)
        }
    }

    private func attach(_ copy: MountCopy, _ mount: FlyMount, readOnly: Bool) throws {
        let target = try place(of: mount, isDirectory: copy.isDirectory)
        defer { try? target.close() }
        // Before it is mounted: nobody finds it writable for a moment.
        if readOnly { try copy.makeReadOnly() }
        try copy.attach(to: target)
    }

    /// Opens what is mounted over, and makes it where that is nobody else's directory.
    private func place(of mount: FlyMount, isDirectory: Bool) throws -> FileDescriptor {
        let path = mount.target.string
        return isDirectory ? try root.directory(path) : try root.file(path)
    }

    /// Programs such as mount(8) read it; an image without it gets one in its own directory only.
    private func linkMountTable() throws {
        let path = "/etc/mtab"
        let etc = FilePath(path).removingLastComponent()
        guard !root.exists(path) else { return }
        do {
            let directory = try root.directory(etc.string)
            defer { try? directory.close() }
            // The image's links may have led into a volume.
            guard try root.mayMake(in: directory) else { return }
            // A link to nothing is the image's own.
            guard symlinkat("../proc/self/mounts", directory.rawValue, "mtab") == 0 || lastErrno == .fileExists else {
                throw RuntimeError.systemCall("symlink", FilePath(path), lastErrno)
            }
        } catch let error as RuntimeError where error.code == .unsupported {
            return
        } catch {
            throw RuntimeError(.internal, "cannot make \(path) for the app", cause: error)
        }
    }
}
