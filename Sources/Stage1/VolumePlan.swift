// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import HostConfiguration
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

/// How the volumes of a pod get into its machine.
///
/// A host volume is an export of its own. The exported directory is one of the pod's, where the volume's source is
/// mounted: so a single file can be exported, and what is mounted below the source only if that is wanted. An empty
/// volume is a directory beside the apps' roots, in their share.
struct VolumePlan {
    /// A source shown inside the pod's directory, in the supervisor's mount namespace.
    struct HostMount: Equatable {
        let source: FilePath
        /// What is exported.
        let directory: FilePath
        let isDirectory: Bool
        let isRecursive: Bool
        /// Whether files are shown with the ids of the pod's users.
        var isMapped = false

        /// Where a single file appears in the exported directory.
        static let fileName = "file"

        var target: FilePath { isDirectory ? directory : directory.appending(Self.fileName) }
    }

    /// A directory that is made with the pod.
    struct EmptyDirectory: Equatable {
        let path: FilePath
        let mode: UInt32
        let uid: UInt32
        let gid: UInt32
        /// What it holds at first, with that directory's owner and mode.
        let contents: VolumeContents?
    }

    private(set) var hostMounts: [HostMount] = []
    private(set) var emptyDirectories: [EmptyDirectory] = []
    private(set) var shares: [Share] = []
    private(set) var guestShares: [PodConfiguration.Share] = []
    /// The mounts of each app, by its name.
    private(set) var mounts: [String: [PodConfiguration.Mount]] = [:]
    /// The devices that apps have as volumes, by the app's name, as DeviceAllow= takes them (systemd.resource-control(5)).
    private(set) var devices: [String: [String]] = [:]
    /// Where apps that get volumes directly find also what is mounted below the source.
    private(set) var recursiveTargets: Set<String> = []
    /// The ids that the pod has for its own; nil for the host's.
    private let users: UserRange?

    private static let guestDirectory = "/run/rkt/volumes"
    /// Of the directories in the apps' share, none is an app's: names of apps do not begin with a dot.
    private static let emptyVolumes = ".volumes"
    /// Each export takes one of the 32 slots of the machine's bus.
    private static let mostExports = 20
    /// For 9p, no cache that outlives a call: each side sees at once what the other has done. Only mapped files are kept.
    static let plan9Options = "trans=virtio,version=9p2000.L,msize=512000,cache=mmap"

    /// How volumes of the host get into the pod.
    enum Carrier {
        /// A machine with a kernel of its own has a device for each.
        case device(HypervisorConfiguration.VolumeTransport)
        /// They are bound into the machine, and from there into the apps' roots.
        case bind
        /// They are bound into the app's root. What is mounted below a source is left out unless it is asked for, so that
        /// apps that have the host's `/` do not multiply its mounts.
        case direct
        /// They are in the machine already, in a share that it has from its start.
        case live(LiveVolumes, hasOwnKernel: Bool)

        /// Whether a device of the host can be a volume.
        var hasDevices: Bool {
            switch self {
            case .bind, .live(_, hasOwnKernel: false): true
            default: false
            }
        }
    }

    /// A volume as the pod knows it: by its name, or by the app that brings its own.
    private struct Key: Hashable {
        let app: String?
        let name: String
    }

    /// A volume in an app.
    private struct Use {
        let key: Key
        let volume: Volume
        let app: String
        /// As it is asked for, in the app's root.
        let path: FilePath
        /// Where the links of the app's image lead.
        let place: FilePath
        let readOnly: Bool

        var text: String {
            "volume \"\(key.name)\" at \(path)" + (path == place ? "" : " (the image's links lead to \(place))")
        }
    }

    /// Leaves out what is there twice.
    ///
    /// - Throws: when two volumes of an app are at one place or one inside another, where one of them would hide the other.
    private static func apart(_ uses: [Use]) throws -> [Use] {
        var kept: [Use] = []
        var taken: [String: [FilePath: Use]] = [:]
        for use in uses {
            guard !use.place.components.isEmpty else {
                throw RuntimeError(.invalidArgument, "app \"\(use.app)\" mounts \(use.text), over its whole root")
            }
            if let other = taken[use.app]?[use.place] {
                guard other.key == use.key else {
                    throw RuntimeError(
                        .invalidArgument, "app \"\(use.app)\" mounts \(use.text), and \(other.text): the same place")
                }
                continue
            }
            taken[use.app, default: [:]][use.place] = use
            kept.append(use)
        }
        for use in kept {
            var parent = use.place.removingLastComponent()
            while !parent.components.isEmpty {
                if let outer = taken[use.app]?[parent] {
                    throw RuntimeError(
                        .invalidArgument, "app \"\(use.app)\" mounts \(use.text), inside \(outer.text)")
                }
                parent.removeLastComponent()
            }
        }
        return kept
    }

    /// - Throws: when a host volume's source is missing or of a kind that cannot enter a machine, or volumes overlap.
    init(
        _ manifest: PodManifest, points: (RuntimeApp) throws -> [MountPoint], pod: PodLayout, carrier: Carrier,
        users: UserRange? = nil, root: FilePath? = nil
    ) throws {
        self.users = users
        var uses: [Use] = []
        for app in manifest.apps {
            let points = app.mounts.isEmpty ? [] : try points(app)
            for mount in app.mounts {
                guard let volume = mount.appVolume ?? manifest.volumes.first(where: { $0.name == mount.volume }) else {
                    throw RuntimeError(
                        .invalidArgument,
                        "dangling mount point \"\(mount.path)\": volume \"\(mount.volume)\" not found")
                }
                let path = FilePath(inRoot: mount.path)
                let point =
                    points.first { $0.name == mount.volume } ?? points.first { FilePath(inRoot: $0.path) == path }
                uses.append(
                    Use(
                        key: Key(app: mount.appVolume == nil ? nil : app.name.string, name: volume.name.string),
                        volume: volume, app: app.name.string, path: path,
                        place: try FileSystem.place(of: path, inRoot: root ?? pod.appRootfs(app.name.string)),
                        readOnly: volume.isReadOnly(at: point)))
            }
        }
        uses = try Self.apart(uses)
        let filled = Set(
            (manifest.annotation(PodAnnotation.filledVolumes.string) ?? "").split(separator: ",").map(String.init))
        var sources: [Key: (path: String, isExport: Bool)] = [:]
        for use in uses where sources[use.key] == nil {
            let isReadOnly = uses.allSatisfy { $0.key != use.key || $0.readOnly }
            let contents =
                filled.contains(use.key.name) && use.key.app == nil
                ? VolumeContents(root: pod.appRootfs(use.app), path: use.path) : nil
            sources[use.key] = try add(
                use.volume, contents, readOnly: isReadOnly, number: sources.count, pod: pod, carrier)
        }
        for use in uses {
            guard let source = sources[use.key] else { continue }
            if case .direct = carrier, source.isExport, use.volume.recursive ?? false {
                recursiveTargets.insert(use.place.string)
            }
            mounts[use.app, default: []].append(
                PodConfiguration.Mount(
                    source: source.path, target: use.place.string, readOnly: use.readOnly,
                    forbidsDevices: source.isExport))
            if carrier.hasDevices, let device = try Self.device(use.volume) {
                devices[use.app, default: []].append("\(device) \(use.readOnly ? "r" : "rw")")
            }
        }
    }

    /// The device of the host that a volume is, by a name that systemd knows without looking for it.
    private static func device(_ volume: Volume) throws -> String? {
        guard case .host(let source) = volume.kind else { return nil }
        let status = try requireSource(FilePath(source), volume.name)
        let (major, minor) = status.deviceNumbers
        return switch status.type {
        case .characterDevice: "/dev/char/\(major):\(minor)"
        case .blockDevice: "/dev/block/\(major):\(minor)"
        default: nil
        }
    }

    /// - Returns: where the volume is in the guest.
    private mutating func add(
        _ volume: Volume, _ contents: VolumeContents?, readOnly: Bool, number: Int, pod: PodLayout,
        _ carrier: Carrier
    ) throws -> (path: String, isExport: Bool) {
        if case .live(let volumes, _) = carrier { return try Self.found(volume, volumes) }
        switch volume.kind {
        case .empty(_, let uid, let gid):
            let name = "\(number)-\(volume.name)"
            emptyDirectories.append(
                EmptyDirectory(
                    path: pod.apps.appending(Self.emptyVolumes).appending(name), mode: volume.modeBits ?? 0o755,
                    uid: try outside(uid, volume.name), gid: try outside(gid, volume.name), contents: contents))
            if case .direct = carrier { return (pod.apps.appending(Self.emptyVolumes).appending(name).string, false) }
            return ("\(AppPlan.guestRoots)/\(Self.emptyVolumes)/\(name)", false)
        case .host(let text):
            let source = FilePath(text)
            let place = "\(Self.guestDirectory)/\(number)"
            guard case .device(let transport) = carrier else {
                let status = try Self.requireSource(source, volume.name)
                if case .direct = carrier { return (text, true) }
                var shown = source
                if users != nil {
                    let mount = HostMount(
                        source: source, directory: pod.directory.appending("volumes").appending("\(number)"),
                        isDirectory: status.type == .directory, isRecursive: volume.recursive ?? true, isMapped: true)
                    hostMounts.append(mount)
                    shown = mount.target
                }
                shares.append(
                    .bind(
                        source: shown, target: FilePath(place), isRecursive: volume.recursive ?? true,
                        readOnly: readOnly))
                return (place, true)
            }
            let isDirectory = try Self.isDirectory(source, volume.name)
            guard shares.count < Self.mostExports else {
                throw RuntimeError(
                    .unsupported, "a machine has room for \(Self.mostExports) host volumes; mount a common parent once")
            }
            let directory = pod.directory.appending("volumes").appending("\(number)")
            hostMounts.append(
                HostMount(
                    source: source, directory: directory, isDirectory: isDirectory,
                    isRecursive: volume.recursive ?? true))
            let tag = "rkt.volume\(number)"
            var guestShare = PodConfiguration.Share(
                type: transport.rawValue, tag: tag, mountPoint: place, readOnly: readOnly, forbidsDevices: true)
            switch transport {
            case .plan9:
                shares.append(.plan9(tag: tag, source: directory, readOnly: readOnly))
                guestShare.options = Self.plan9Options
            case .virtiofs:
                // Each side sees within a second what the other has done, and files can be mapped.
                shares.append(.virtiofs(tag: tag, source: directory, cache: .auto, readOnly: readOnly))
            }
            guestShares.append(guestShare)
            return (isDirectory ? place : "\(place)/\(HostMount.fileName)", true)
        }
    }

    /// Where a volume is in a pod that runs.
    private static func found(_ volume: Volume, _ volumes: LiveVolumes) throws -> (path: String, isExport: Bool) {
        if case .empty = volume.kind { return ("\(AppPlan.guestRoots)/\(emptyVolumes)/\(volume.name)", false) }
        guard let place = volumes.places[volume.name.string] else {
            throw RuntimeError(.notFound, "volume \"\(volume.name)\" has not been mounted for the pod")
        }
        let directory = "\(PodPlan.guestVolumes)/\(place.place)"
        return (place.kind == .directory ? directory : "\(directory)/\(HostMount.fileName)", true)
    }

    /// What an id of the pod is for the host.
    private func outside(_ id: UInt32, _ name: ACName) throws -> UInt32 {
        guard let users else { return id }
        guard let outside = users.outside(id) else {
            throw RuntimeError(
                .unsupported,
                "volume \"\(name)\" is to belong to \(id), and with --private-users a pod has users and groups below "
                    + "\(users.count)")
        }
        return outside
    }

    private static func requireSource(_ source: FilePath, _ name: ACName) throws -> FileStatus {
        do {
            return try FileSystem.status(source, followSymbolicLink: true)
        } catch {
            throw RuntimeError(.notFound, "Failed to stat \(source) of volume \"\(name)\"", cause: error)
        }
    }

    private static func isDirectory(_ source: FilePath, _ name: ACName) throws -> Bool {
        switch try requireSource(source, name).type {
        case .directory: return true
        case .regular: return false
        default:
            throw RuntimeError(
                .unsupported,
                "\(source) of volume \"\(name)\" is neither a directory nor a file: what is behind a socket, a fifo or "
                    + "a device stays on the host's side of a virtual machine")
        }
    }

    /// Finds out whether what is to be shown with the ids of the pod's users can be.
    func checkOwners() throws {
        guard let owners = try ownerMap() else { return }
        defer { owners.close() }
        for mount in hostMounts where mount.isMapped {
            try MappedMount.check(mount.source, owners, isRecursive: mount.isRecursive)
        }
    }

    /// Users of the pod have the same numbers in its volumes as on the host, as in other pods.
    private func ownerMap() throws -> OwnerMap? {
        guard let users, hostMounts.contains(where: \.isMapped) else { return nil }
        return try OwnerMap(users, admitsRoot: false)
    }

    /// Makes the directories that are exported, empty.
    func makeExports() throws {
        for mount in hostMounts { try FileSystem.makeDirectories(mount.directory) }
    }

    /// Makes the directories and mounts, the latter in a mount namespace of this process and what it starts.
    func make() throws {
        for empty in emptyDirectories {
            // Whatever the umask: users of the pod's own, to whom it does not belong, pass through it.
            try SharedDirectory.make(empty.path.removingLastComponent(), mode: 0o755)
            if try empty.contents?.copy(to: empty.path) ?? false { continue }
            try FileSystem.makeDirectory(empty.path)
            do {
                let directory = try FileDescriptor.open(empty.path, .readOnly, options: [.directory, .noFollow])
                defer { try? directory.close() }
                try FileSystem.setOwner(empty.uid, empty.gid, of: directory)
                try FileSystem.setMode(empty.mode, of: directory)
            } catch let error as Errno {
                throw RuntimeError.systemCall("chown", empty.path, error)
            }
        }
        guard !hostMounts.isEmpty else { return }
        try makeExports()
        let owners = try ownerMap()
        defer { owners?.close() }
        try Mount.leaveNamespace()
        for mount in hostMounts {
            if !mount.isDirectory { try FileSystem.write([], to: mount.target) }
            if let owners, mount.isMapped {
                try MappedMount.attach(mount.source, at: mount.target, owners, isRecursive: mount.isRecursive)
                continue
            }
            do {
                try Mount.bind(mount.source, mount.target, recursive: mount.isRecursive)
                // What is mounted below the source from now on is not part of the volume, however it is served.
                try Mount.mount(source: "", target: mount.target, type: "", flags: [.recursive, .private])
            } catch {
                throw RuntimeError(.internal, "cannot show \(mount.source) to the pod", cause: error)
            }
        }
    }
}
