// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// The step into an app's root.
enum FlyRoot {
    static func change(to root: FilePath) throws {
        guard chroot(root.string) == 0, chdir("/") == 0 else {
            throw ProgramFailure(
                "Unable to change to the root \"\(root)\": \(lastErrno.text)", ProgramFailure.Status.root)
        }
    }
}
