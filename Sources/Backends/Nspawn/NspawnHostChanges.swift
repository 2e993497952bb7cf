// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What a container changes on the host, which does not go with its processes.
struct NspawnHostChanges {
    let name: String
    let workingDirectory: FilePath

    /// Control groups that a container is in, one directory a line; noted before they are made.
    private var record: FilePath { workingDirectory.appending("control-groups") }
    /// systemd-nspawn makes this directory for mounts that follow, and where /run is on a disk it stays.
    private var propagated: FilePath { FilePath("/run/systemd/nspawn/propagate").appending(name) }
    /// Bytes of the record.
    private static let limit = 1 << 16

    /// Makes the control groups of a container.
    func makeGroups() throws -> ControlGroups {
        let groups = try ControlGroups(forMachine: name)
        let text = groups.directories.map { "\($0)\n" }.joined()
        try FileSystem.writeAtomically(Array(text.utf8), to: record)
        try groups.make()
        return groups
    }

    /// A group that this process itself is in stays, with its record: whoever collects the pod removes it.
    ///
    /// - Throws: when other processes are left in a group.
    func undo() throws {
        rmdir(propagated.string)
        guard FileSystem.exists(record) else { return }
        let lines = try FileSystem.readText(record, limit: Self.limit).split(separator: "\n")
        // Nobody else's groups, whatever the record says.
        let directories = lines.map { FilePath(String($0)) }.filter {
            $0.isAbsolute && $0.lastComponent?.string == name
        }
        let own = ControlGroups.unifiedOfCaller().flatMap { own in
            directories.contains { own.starts(with: $0) } ? own : nil
        }
        if let group = ControlGroups(directories: directories).remove(keeping: own).first {
            throw RuntimeError(.busy, "processes are left in the control group \(group)")
        }
        guard own == nil else { return }
        try FileSystem.remove(record)
    }
}
