// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The root file system of one app, given the devices, kernel file systems and files that appc asks for.
///
/// Every path inside it belongs to the image: it is opened with the app's root as root directory, so that its symbolic
/// links cannot lead to the guest's own files.
struct AppRoot {
    let app: PodConfiguration.App
    /// Those of the pod, in the order of their numbers.
    let sharedFiles: [PodConfiguration.SharedFile]

    /// Whether devices and set-user-ID bits of volumes that forbid them mean nothing, wherever their mounts come from.
    var restrictsVolumes = false

    private var root: FilePath { FilePath(app.root) }
    private var tree: RootDirectory { RootDirectory(root) }

    func mount() throws {
        // A mount point of its own, which can be made read-only without touching the share.
        try Mount.bind(root, root, recursive: true)
        for (path, mode) in [("/tmp", 0o1777), ("/etc", 0o755), ("/run", 0o755)] as [(String, UInt32)] {
            try tree.directory(path, mode: mode).close()
        }
        try mountKernelFileSystems()
        try mountDevices()
        // A directory, as at /etc, goes beneath the pod's files; a file goes before one of them in its place.
        let directories = try app.mounts.filter { try isDirectory($0) }
        for mount in directories { try bind(mount) }
        try mountFiles()
        for mount in app.mounts where !directories.contains(mount) { try bind(mount) }
        if app.readOnlyRoot {
            var flags: MountFlags = [.bind, .remount, .readOnly]
            // What the host has forbidden to other users cannot be left out.
            if Self.hasOwnUsers { flags.insert(.noDevices) }
            try Mount.mount(source: "", target: root, type: "", flags: flags)
        }
    }

    private func mountKernelFileSystems() throws {
        let restricted: MountFlags = [.noSetUserID, .noDevices, .noExecution]
        try mount("proc", "/proc", restricted)
        if Self.hasOwnUsers {
            // The network is not that of the container's users, so they see it where it was mounted for them.
            try bind("/sys", "/sys", readOnly: true)
        } else {
            try mount("sysfs", "/sys", restricted.union(.readOnly))
            try bind("/sys/fs/cgroup", "/sys/fs/cgroup", readOnly: true)
        }
        // In a container the settings are the host's, and root needs no capability to change them.
        if GuestPort.isInContainer { try bind("/proc/sys", "/proc/sys", readOnly: true) }
        guard app.protectsKernelPaths else { return }
        for path in Self.readOnlyKernelPaths where FileSystem.exists(FilePath(path)) {
            try bind(FilePath(path), path, readOnly: true)
        }
        for path in Self.maskedKernelPaths where FileSystem.exists(FilePath(path)) { try mask(path) }
    }

    /// Writing to these reaches past the app, into the pod's kernel.
    static let readOnlyKernelPaths = ["/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"]
    /// Reading these shows the kernel's memory or the machine's firmware.
    static let maskedKernelPaths = ["/proc/kcore", "/proc/timer_list", "/proc/keys", "/sys/firmware"]

    private func mask(_ path: String) throws {
        if try FileSystem.status(FilePath(path), followSymbolicLink: true).type == .directory {
            try mount("tmpfs", path, [.readOnly, .noSetUserID, .noDevices, .noExecution], "mode=000,size=0")
        } else {
            try bind(GuestLayout.shared.appending("masked"), path, readOnly: true)
        }
    }

    private func mountDevices() throws {
        try mount("tmpfs", "/dev", [.noSetUserID, .noExecution], "mode=0755,size=1m")
        let dev = try tree.directory("/dev")
        defer { try? dev.close() }
        let hasOwnUsers = Self.hasOwnUsers
        for (name, major, minor) in Self.devices {
            // Root that is not the host's makes no devices. It has been given these.
            if hasOwnUsers {
                try bind(FilePath("/dev").appending(name), "/dev/\(name)")
                continue
            }
            guard mknodat(dev.rawValue, name, S_IFCHR | 0o666, dev_t(rkt_makedev(major, minor))) == 0,
                fchmodat(dev.rawValue, name, 0o666, 0) == 0
            else { throw RuntimeError.systemCall("mknod", FilePath("/dev").appending(name), lastErrno) }
        }
        for (name, target) in Self.deviceLinks where symlinkat(target, dev.rawValue, name) != 0 {
            throw RuntimeError.systemCall("symlink", FilePath("/dev").appending(name), lastErrno)
        }
        try bind("/dev/pts", "/dev/pts")
        try bind("/dev/pts/ptmx", "/dev/ptmx")
        // The apps of a pod share one IPC namespace, and so one /dev/shm.
        try bind("/dev/shm", "/dev/shm")
        if FileSystem.exists("/dev/net/tun") { try bind("/dev/net/tun", "/dev/net/tun") }
        // Nobody stands at an app's console unless it is interactive; then the launcher's terminal is bound here.
        try bind("/dev/null", "/dev/console")
    }

    /// Whether root is not the host's (user_namespaces(7)).
    private static var hasOwnUsers: Bool {
        guard GuestPort.isInContainer, let map = try? FileSystem.readText("/proc/self/uid_map", limit: 1 << 20) else {
            return false
        }
        return map.split(whereSeparator: \.isWhitespace).prefix(2) != ["0", "0"]
    }

    static let devices: [(String, UInt32, UInt32)] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ]
    static let deviceLinks = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ]

    private func mountFiles() throws {
        try linkLog(journalIsShown: try offer(GuestLayout.journalDirectory, at: Self.journal))
        try offer(GuestLayout.shared.appending("hostname"), at: "/etc/hostname")
        // The socket itself is made later, by systemd; `AppLauncher` shows it.
        let notify = GuestLayout.notifySocket.string
        if app.supportsNotify, volume(over: notify).map(mayHoldMore) ?? true { try tree.file(notify).close() }
        for (number, file) in sharedFiles.enumerated() { try place(file, GuestLayout.sharedFile(number)) }
        if !tree.exists("/etc/hosts") { try offer(GuestLayout.shared.appending("hosts"), at: "/etc/hosts") }
        if !tree.exists("/etc/mtab"), volume(over: "/etc/mtab").map(mayHoldMore) ?? true {
            let etc = try tree.directory("/etc")
            defer { try? etc.close() }
            _ = symlinkat("../proc/self/mounts", etc.rawValue, "mtab")
        }
    }

    private static let journal = "/run/systemd/journal"

    /// Shows what apps are used to find. A volume decides for itself: it keeps what it has of another kind, and in one of
    /// the host nothing is made.
    ///
    /// - Returns: whether it is there.
    @discardableResult
    private func offer(_ source: FilePath, at path: String) throws -> Bool {
        guard let volume = volume(over: path) else {
            try bind(source, path)
            return true
        }
        guard !isRoot(of: volume, path), tree.exists(path) || mayHoldMore(volume) else { return false }
        return (try? bind(source, path)) != nil
    }

    /// Shows a file that was asked for, also in a volume.
    private func place(_ file: PodConfiguration.SharedFile, _ source: FilePath) throws {
        do {
            try bind(source, file.path, readOnly: file.readOnly)
        } catch {
            guard let volume = volume(over: file.path) else { throw error }
            throw RuntimeError(
                .unsupported, "there is no place for \(file.path) in the volume at \(volume.target); make an empty one",
                cause: error)
        }
    }

    /// Programs log through `/dev/log`, also where a volume leaves the journal no place.
    private func linkLog(journalIsShown: Bool) throws {
        guard volume(over: "/dev") == nil else { return }
        let place = journalIsShown ? Self.journal : "/dev/.journal"
        if !journalIsShown { try bind(GuestLayout.journalDirectory, place) }
        let dev = try tree.directory("/dev")
        defer { try? dev.close() }
        guard symlinkat(place + "/dev-log", dev.rawValue, "log") == 0 else {
            throw RuntimeError.systemCall("symlink", "/dev/log", lastErrno)
        }
    }

    // MARK: - Volumes

    private func isDirectory(_ mount: PodConfiguration.Mount) throws -> Bool {
        try FileSystem.status(FilePath(mount.source), followSymbolicLink: true).type == .directory
    }

    private func bind(_ mount: PodConfiguration.Mount) throws {
        try bind(FilePath(mount.source), mount.target, readOnly: mount.readOnly)
        guard restrictsVolumes, mount.forbidsDevices else { return }
        var flags: MountFlags = [.bind, .remount, .noSetUserID, .noDevices]
        if mount.readOnly { flags.insert(.readOnly) }
        let mounted = try tree.open(mount.target)
        defer { try? mounted.close() }
        try named(mount.target) { try Mount.mount(source: "", target: mounted.path, type: "", flags: flags) }
    }

    /// The volume that a path is in.
    private func volume(over path: String) -> PodConfiguration.Mount? {
        guard let place = try? FileSystem.place(of: FilePath(path), inRoot: root) else { return nil }
        return app.mounts.first { place.starts(with: FilePath($0.target)) }
    }

    private func isRoot(of volume: PodConfiguration.Mount, _ path: String) -> Bool {
        (try? FileSystem.place(of: FilePath(path), inRoot: root)) == FilePath(volume.target)
    }

    /// Whether places for the pod's files may be made in a volume: it is the pod's own, and not read-only.
    private func mayHoldMore(_ volume: PodConfiguration.Mount) -> Bool { !volume.forbidsDevices && !volume.readOnly }

    // MARK: - Paths inside the root

    private func mount(_ type: String, _ path: String, _ flags: MountFlags, _ data: String = "") throws {
        let target = try tree.directory(path)
        defer { try? target.close() }
        try named(path) { try Mount.mount(source: type, target: target.path, type: type, flags: flags, data: data) }
    }

    /// - Parameter readOnly: with all that is mounted below the source; other flags stay as they are.
    private func bind(_ source: FilePath, _ path: String, readOnly: Bool = false) throws {
        let isDirectory = try FileSystem.status(source, followSymbolicLink: true).type == .directory
        let target = isDirectory ? try tree.directory(path) : try tree.file(path)
        defer { try? target.close() }
        try named(path) { try Mount.bind(source, target.path, recursive: true) }
        guard readOnly else { return }
        // The descriptor still names what is beneath the new mount: open the path again.
        let mounted = try tree.open(path)
        defer { try? mounted.close() }
        try named(path) { try Mount.makeReadOnly(mounted) }
    }

    private func named(_ path: String, _ body: () throws -> Void) throws {
        do { try body() } catch { throw RuntimeError(.internal, "mounting \(path)", cause: error) }
    }
}
