// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Network namespaces that exist because they are mounted somewhere (network_namespaces(7)).
package enum NetworkNamespaceMount {
    /// NSFS_MAGIC of the kernel.
    private static let fileSystemType: Int64 = 0x6E73_6673

    /// Makes a namespace whose loopback interface is up and mounts it; the directory of the path is made, too.
    ///
    /// - Throws: code `exists` when something stands at the path.
    package static func make(at path: FilePath) throws {
        try FileSystem.makeDirectories(path.removingLastComponent())
        let file = open(path.string, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
        guard file >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        close(file)
        do {
            try check(rkt_make_network_namespace(path.string), "make a network namespace at", path)
        } catch {
            unlink(path.string)
            throw error
        }
    }

    /// Whether a namespace is mounted there.
    package static func isMounted(at path: FilePath) -> Bool {
        (try? FileSystem.type(ofFileSystemAt: path)) == fileSystemType
    }

    /// Takes the mount and its file away; the namespace goes with its last user. Safe to repeat.
    package static func remove(at path: FilePath) throws {
        while isMounted(at: path) { try Mount.unmount(path, detach: true) }
        try FileSystem.remove(path)
    }
}
