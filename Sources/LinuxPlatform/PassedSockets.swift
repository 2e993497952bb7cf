// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics

/// Listening sockets that systemd has opened for this program (sd_listen_fds(3)).
package struct PassedSockets: Equatable {
    /// In order, as they were passed.
    package let descriptors: Range<Int32>

    /// Corresponds to `SD_LISTEN_FDS_START`.
    private static let first: Int32 = 3
    private static let limit: Int32 = 1024
    private static let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]

    /// Reads what the environment tells of them. Those for another program are none of ours.
    ///
    /// - Parameter variable: the value of a variable of the environment.
    package init(pid: Int32 = getpid(), _ variable: (String) -> String? = ProcessImage.variable) throws {
        guard let owner = variable("LISTEN_PID"), Int32(owner) == pid, let text = variable("LISTEN_FDS") else {
            descriptors = Self.first..<Self.first
            return
        }
        guard let count = Int32(text), (0...Self.limit).contains(count) else {
            throw RuntimeError(
                .invalidArgument, "LISTEN_FDS is \"\(text)\", not a number of sockets from 0 to \(Self.limit)")
        }
        descriptors = Self.first..<(Self.first + count)
    }

    /// Keeps them from all programs that this one executes.
    package func closeOnExec() throws { try set(FD_CLOEXEC) }

    /// Leaves them to the program that takes this one's place.
    package func keepOnExec() throws { try set(0) }

    private func set(_ flags: Int32) throws {
        for descriptor in descriptors where fcntl(descriptor, F_SETFD, flags) < 0 {
            throw RuntimeError(
                .invalidArgument,
                "LISTEN_FDS promises \(descriptors.count) sockets, but descriptor \(descriptor) is not open")
        }
    }

    /// What programs that do not get them should see.
    package static func removeVariables(from environment: [String]) -> [String] {
        environment.filter { entry in !variables.contains { entry.hasPrefix("\($0)=") } }
    }
}
