// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// What a process does to become an app: mounts, a new root, a program.
package struct FlyPlan: Equatable, CustomStringConvertible, Sendable {
    /// The app's root directory on the host.
    package var root: FilePath
    /// In the order in which they are made.
    package var mounts: [FlyMount]
    package var program: AppProgram
    /// Descriptors that the program keeps.
    package var inheritedDescriptors: [Int32]

    /// One step on each line.
    package var description: String {
        var lines = mounts.map(\.description)
        if program.hasReadOnlyRoot { lines.append("remount \(root) read-only") }
        lines += program.nullDescriptors.map { "null \($0)" } + inheritedDescriptors.map { "keep \($0)" }
        lines.append("chroot \(root)")
        lines.append("chdir \(program.workingDirectory)")
        let groups = program.user.supplementaryGIDs.map { ",\($0)" }.joined()
        lines.append("user \(program.user.uid) groups \(program.user.gid)\(groups)")
        if program.noNewPrivileges { lines.append("no-new-privileges") }
        lines += program.environment.map { "set \($0)" }
        lines.append("exec " + program.arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " "))
        return lines.joined(separator: "\n")
    }
}

/// Something that an app finds at a place in its root.
package struct FlyMount: Equatable, CustomStringConvertible, Sendable {
    package enum Source: Equatable, Sendable {
        /// The host's directory of that name, with all that is mounted below it.
        case host(FilePath)
        /// A directory that is lost with the app.
        case memory
        /// A file or directory of the pod's own.
        case pod(FilePath, readOnly: Bool)
        /// A file or directory of the host's. If it is a mount point, what is mounted below it is seen on both sides.
        case volume(FilePath, isRecursive: Bool, readOnly: Bool)
    }

    package var source: Source
    /// Absolute, in the app's root.
    package var target: FilePath

    /// Whether nothing may be made in it to mount further things over.
    var isForeign: Bool {
        switch source {
        case .host, .volume: true
        case .memory: false
        case .pod(_, let readOnly): readOnly
        }
    }

    package var description: String {
        switch source {
        case .host(let path): "mount \(path) at \(target), recursive"
        case .memory: "mount tmpfs at \(target)"
        case .pod(let path, let readOnly): "mount \(path) at \(target)\(readOnly ? ", read-only" : "")"
        case .volume(let path, let isRecursive, let readOnly):
            "mount \(path) at \(target)\(isRecursive ? ", recursive" : "")\(readOnly ? ", read-only" : "")"
                + ", shared if it is a mount point"
        }
    }
}
