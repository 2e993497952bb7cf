// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform

/// The open files that an app begins with: this process's, and what is told here.
enum FlyDescriptors {
    /// Lets the app inherit descriptors, such as the pod's lock: the pod runs as long as anybody has it.
    static func keep(_ descriptors: [Int32]) throws {
        for descriptor in descriptors where fcntl(descriptor, F_SETFD, 0) != 0 {
            throw ProgramFailure(
                "Unable to keep descriptor \(descriptor): \(lastErrno.text)", ProgramFailure.Status.root)
        }
    }

    /// Makes descriptors `/dev/null`, the host's.
    static func discard(_ descriptors: [Int32]) throws {
        guard !descriptors.isEmpty else { return }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else {
            throw ProgramFailure("Unable to open /dev/null: \(lastErrno.text)", ProgramFailure.Status.root)
        }
        for descriptor in descriptors where dup2(null, descriptor) < 0 {
            throw ProgramFailure(
                "Unable to discard descriptor \(descriptor): \(lastErrno.text)", ProgramFailure.Status.root)
        }
    }
}
