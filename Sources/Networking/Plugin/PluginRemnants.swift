// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Programs that work for a plugin whose supervisor was killed: the plugin dies with it, what it has started does not, and
/// would take an address, say, after all addresses were given back.
package enum PluginRemnants {
    /// Milliseconds until all must have ended; on a host that is busy even killed ones take a while.
    private static let patience = 30_000
    private static let environmentLimit = 1 << 20

    /// Ends all programs that have a plugin's environment for an interface of this pod. None may start meanwhile, except by
    /// them. What plugins of the pod's other networks have started may be there on purpose, and goes on.
    package static func end(of uuid: PodUUID, interface: String) throws {
        let marks = Set(["CNI_CONTAINERID=\(uuid)", "CNI_IFNAME=\(interface)"].map { Array($0.utf8) })
        let deadline = Clock.milliseconds + patience
        while true {
            let found = try FileSystem.list("/proc").compactMap { Int32($0) }
                .filter { $0 != getpid() && isMarked($0, marks) }
            guard let first = found.first else { return }
            guard Clock.milliseconds < deadline else {
                throw RuntimeError(.timeout, "process \(first), which a plugin has started, does not end")
            }
            for pid in found {
                guard let process = try? ChildProcess(pid: pid) else { continue }
                defer { process.close() }
                // Its number may have become somebody else's before there was a descriptor.
                guard isMarked(pid, marks) else { continue }
                try process.signal(SIGKILL)
                _ = try Poll.wait([(process.pidfd, .read)], timeout: max(0, deadline - Clock.milliseconds))
            }
        }
    }

    /// A program that has ended has no environment any more.
    private static func isMarked(_ pid: Int32, _ marks: Set<[UInt8]>) -> Bool {
        guard let bytes = try? FileSystem.read(FilePath("/proc/\(pid)/environ"), limit: environmentLimit) else {
            return false
        }
        return marks.isSubset(of: bytes.split(separator: 0).map { Array($0) })
    }
}
