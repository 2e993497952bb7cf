// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// An empty directory of a test's own below TMPDIR, gone with its contents when the value goes.
package final class ScratchDirectory {
    package let path: FilePath
    private var isOpen = true

    package init() throws {
        let parent = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        path = parent.appending("rkt-test-" + String(UInt64.random(in: .min ... .max), radix: 16))
        try FileSystem.makeDirectory(path, mode: 0o755)
    }

    deinit { close() }

    /// A path in the directory.
    package func appending(_ name: String) -> FilePath { path.appending(name) }

    /// Removes the directory now; safe to repeat.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        try? FileSystem.removeTree(path)
    }
}
