// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import Synchronization
import SystemPackage

/// An image store that has the stage1 image and busybox, unpacked; made once for a run of tests and copied into each
/// test's data directory.
enum SeededStore {
    private static let made = Mutex<ScratchDirectory?>(nil)

    /// Makes a data directory with a copy of the store.
    static func copy(to data: FilePath) throws {
        let source = try made.withLock { made in
            if let made { return made.path }
            let scratch = try ScratchDirectory()
            try make(in: scratch)
            made = scratch
            // Statics live to the end of the process, but are not torn down there.
            atexit { SeededStore.discard() }
            return scratch.path
        }
        _ = try Program.output("cp", "-a", source.appending("data").string, data.string)
    }

    private static func discard() {
        made.withLock { made in
            made?.close()
            made = nil
        }
    }

    private static func make(in scratch: ScratchDirectory) throws {
        let data = scratch.appending("data")
        let tested = try TestedStage1.current
        let stage1 = tested.isNamed ? ["--stage1-path=\(tested.image)"] : []
        for arguments in [
            ["prepare", "--quiet"] + stage1 + [BuildProducts.image("busybox").string],
            ["gc", "--expire-prepared=0s"],
        ] {
            let process = try HostProcess(
                BuildProducts.rkt, ["--dir=\(data)", "--insecure-options=image"] + arguments,
                log: scratch.appending(arguments[0]))
            guard try process.child.wait() == .exited(0) else {
                throw Requirement(description: "the store cannot be filled: \(process.error)")
            }
        }
    }
}
