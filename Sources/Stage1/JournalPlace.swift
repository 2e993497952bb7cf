// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// The pod's journal where journalctl(1) looks for one below a root directory: `var/log/journal/MACHINE-ID` in stage1's
/// root is a symbolic link to it.
package enum JournalPlace {
    private static let place: FilePath = "var/log/journal"
    /// From there, by stage1's root, to the pod's directory.
    private static let up = "../../../../.."

    /// Makes the link. What stage1's image has on the way is followed through no symbolic link.
    ///
    /// - Parameter machineID: the pod's UUID without dashes.
    /// - Throws: when the image has something else there.
    package static func make(in pod: PodLayout, machineID: String) throws {
        guard let name = FilePath.Component(machineID), let journal = pod.journal.lastComponent else { return }
        let root = try FileDescriptor.open(
            pod.stage1Rootfs, .readOnly, options: [.directory, .noFollow, .closeOnExec])
        defer { try? root.close() }
        do {
            let directory = try directory(beneath: root)
            defer { try? directory.close() }
            try FileSystem.makeSymbolicLink(to: "\(up)/\(journal)".cString, name, in: directory)
        } catch let error as Errno {
            // A pod that is started once more has it already.
            if error == .fileExists { return }
            throw RuntimeError(.unsupported, "stage1's \(place) cannot be used: \(error.text)")
        }
    }

    /// Opens the place of journals, made where it is missing.
    private static func directory(beneath root: FileDescriptor) throws -> FileDescriptor {
        var path = FilePath()
        for component in place.components {
            let parent = try FileSystem.openDirectory(path, beneath: root)
            defer { try? parent.close() }
            // What is there already is opened or refused by the next step.
            try? FileSystem.makeDirectory(component, in: parent, mode: 0o755)
            path.append(component)
        }
        return try FileSystem.openDirectory(path, beneath: root)
    }
}

extension String {
    fileprivate var cString: [CChar] { utf8CString.map { $0 } }
}
