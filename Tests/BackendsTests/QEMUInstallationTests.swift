// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import LinuxPlatform
import SystemPackage
import Testing

struct QEMUInstallationTests {
    @Test func `programs are found in the search path in order, and only if they can be executed`() throws {
        let base = FilePath("/tmp/rkt-installation-\(Clock.microseconds)")
        defer { try? FileSystem.removeTree(base) }
        for directory in ["a", "b", "c"] { try FileSystem.makeDirectories(base.appending(directory)) }
        try FileSystem.write([], to: base.appending("a/qemu-system-x86_64"), mode: 0o644)
        try FileSystem.makeDirectory(base.appending("b/qemu-system-x86_64"))
        try FileSystem.write([], to: base.appending("c/qemu-system-x86_64"), mode: 0o755)
        try FileSystem.write([], to: base.appending("c/virtiofsd"), mode: 0o755)
        let found = QEMUInstallation.probe(searchPath: "\(base)/a:.::\(base)/b:\(base)/c")
        #expect(found.emulator == base.appending("c/qemu-system-x86_64"))
        #expect(found.virtiofsd == base.appending("c/virtiofsd"))
    }

    @Test func `an empty search path finds no emulator`() {
        #expect(QEMUInstallation.probe(searchPath: "").emulator == nil)
    }
}
