// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

/// Overlay mounts (Documentation/filesystems/overlayfs.rst): a shared tree below, a pod's own writable layer on top.
package enum Overlay {
    // Magic numbers of statfs(2).
    private static let overlayfs: Int64 = 0x794c_7630
    private static let aufs: Int64 = 0x6175_6673
    private static let zfs: Int64 = 0x2fc1_2fc1

    /// Why a pod's directory cannot hold the layers of an overlay, or nil when it can.
    ///
    /// A file system on which overlays work in some kernels only is tried, which costs a mount.
    static func obstacle(in directory: FilePath) throws -> String? {
        switch try prospect(in: directory, entriesOf: directory.removingLastComponent()) {
        case .possible: nil
        case .impossible(let reason): reason
        case .uncertain: try trial(in: directory)
        }
    }

    /// What can be known without a trial.
    enum Prospect: Sendable, Equatable {
        case possible
        case impossible(String)
        case uncertain
    }

    /// - Parameter sibling: a directory of the same file system, with entries.
    static func prospect(in directory: FilePath, entriesOf sibling: FilePath) throws -> Prospect {
        let type = try FileSystem.type(ofFileSystemAt: directory)
        if type == aufs { return .impossible("unsupported filesystem: aufs") }
        if type == zfs { return .impossible("unsupported filesystem: zfs") }
        guard try DirectoryEntryType.isReported(in: sibling) else {
            return .impossible("unsupported filesystem: missing d_type support")
        }
        let known = (try? FileSystem.readText("/proc/filesystems"))?.split(whereSeparator: { $0.isWhitespace }) ?? []
        return type != overlayfs && known.contains("overlay") ? .possible : .uncertain
    }

    private static func trial(in directory: FilePath) throws -> String? {
        let scratch = directory.appending("overlay-trial")
        defer { try? FileSystem.removeTree(scratch) }
        let layers = OverlayLayers(directory: scratch)
        let lower = scratch.appending("lower")
        let target = scratch.appending("merged")
        for path in [scratch, layers.upper, layers.work, lower, target] {
            try FileSystem.makeDirectory(path, mode: 0o700)
        }
        do {
            try mount(lower: lower, layers, at: target)
        } catch let error as RuntimeError {
            return "the kernel refuses an overlay in \(directory): \(error.chain.last ?? "")"
        }
        try Mount.unmount(target)
        return nil
    }

    /// Makes the writable layer for a tree. Its root stands for that of the tree, whose attributes it gets.
    static func makeLayers(_ layers: OverlayLayers, over tree: FilePath) throws {
        try FileSystem.makeDirectories(layers.directory, mode: 0o700)
        try FileSystem.makeDirectory(layers.upper)
        try FileSystem.makeDirectory(layers.work, mode: 0o700)
        try TreeCopy.copyAttributes(of: tree, FileSystem.status(tree), to: layers.upper)
    }

    /// - Parameters:
    ///   - owners: how the owners of files are shown; nil for what they are. An overlay as a whole does not map them, but
    ///     its layers do.
    ///   - label: the context of SELinux that all files have, for whoever sees them here; nil for what they have.
    static func mount(
        lower: FilePath, _ layers: OverlayLayers, at target: FilePath, _ owners: OwnerMap?, label: SELinuxContext?
    ) throws {
        guard let owners else { return try mount(lower: lower, layers, at: target, label: label) }
        try? FileSystem.makeDirectory(layers.lower, mode: 0o700)
        // Both writable layers have to be of one mount.
        try MappedMount.attach(layers.directory, at: layers.directory, owners)
        // The overlay keeps copies of these mounts.
        defer { try? Mount.unmount(layers.directory, detach: true) }
        try MappedMount.attach(lower, at: layers.lower, owners)
        try mount(lower: layers.lower, layers, at: target, flags: .noDevices, label: label)
    }

    static func mount(
        lower: FilePath, _ layers: OverlayLayers, at target: FilePath, flags: MountFlags = [],
        label: SELinuxContext? = nil
    ) throws {
        do {
            try Mount.mount(
                source: "overlay", target: target, type: "overlay", flags: flags,
                data: options(lower: lower, layers, label: label))
        } catch {
            if let label { throw refusal(of: lower, label, error) }
            throw RuntimeError(
                .unsupported, "cannot mount the overlay of \(lower); --no-overlay copies the tree instead", cause: error
            )
        }
    }

    private static func refusal(of lower: FilePath, _ label: SELinuxContext, _ error: any Error) -> RuntimeError {
        RuntimeError(
            .unsupported,
            "cannot mount the overlay of \(lower) with the SELinux context \"\(label)\" (\(error)); "
                + SELinuxContext.remedy)
    }

    /// What mount(2) is told; one page at most. The quotes keep the comma of a context's categories.
    package static func options(lower: FilePath, _ layers: OverlayLayers, label: SELinuxContext? = nil) -> String {
        let options = [
            "lowerdir=\(escape(lower, also: ":"))", "upperdir=\(escape(layers.upper))",
            "workdir=\(escape(layers.work))",
        ]
        // First, as nobody knows what quotes do that are in a path.
        return ((label.map { ["context=\"\($0)\""] } ?? []) + options).joined(separator: ",")
    }

    /// Commas separate options and colons separate lower directories; a backslash takes that away.
    static func escape(_ path: FilePath, also extra: String = "") -> String {
        path.string.reduce(into: "") { result, character in
            if character == "\\" || character == "," || extra.contains(character) { result.append("\\") }
            result.append(character)
        }
    }
}
