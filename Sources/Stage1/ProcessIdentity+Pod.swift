// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// The process of a pod that nothing supervises, as it is kept in the pod's directory.
extension ProcessIdentity {
    /// Reads what `record` has written.
    package init(recordedIn pod: PodLayout) throws {
        let pid: UInt64 = try Self.number(in: pod.pidFile)
        guard pid > 1, let pid = Int32(exactly: pid) else {
            throw RuntimeError(.invalidState, "\(pod.pidFile) does not hold a process id")
        }
        self.init(pid: pid, startTime: try Self.number(in: pod.startTimeFile))
    }

    /// The process is found by its number, which is therefore written last.
    package func record(in pod: PodLayout) throws {
        try FileSystem.writeAtomically("\(startTime)\n".utf8, to: pod.startTimeFile)
        try FileSystem.writeAtomically("\(pid)\n".utf8, to: pod.pidFile)
    }

    private static func number(in file: FilePath) throws -> UInt64 {
        guard let number = UInt64(try FileSystem.readText(file, limit: 64).filter { !$0.isWhitespace }) else {
            throw RuntimeError(.invalidState, "\(file) does not hold a number")
        }
        return number
    }
}
