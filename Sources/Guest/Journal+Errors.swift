// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import GuestProtocol
import LinuxPlatform

extension Journal {
    /// Gives this process a journal stream of its own for standard error, as journald does not tell streams apart. When that
    /// cannot be had, standard error stays what it is: the lines are more than where they come from.
    static func connectErrors(of app: String) {
        let place = GuestLayout.journalDirectory.appending("stdout")
        guard let stream = try? UnixSocket.connect(place) else { return }
        defer { try? stream.close() }
        // As systemd does it: identifier, unit, priority (with `info`), no prefix of levels, and forwarding of three kinds.
        let priority = JournalEntry.errorFacility << 3 | 6
        let head = "\(app)\n\(app).service\n\(priority)\n0\n0\n0\n0\n"
        guard (try? FileSystem.writeAll(Array(head.utf8), to: stream)) != nil else { return }
        _ = shutdown(stream.rawValue, CInt(SHUT_RD))
        _ = dup2(stream.rawValue, 2)
    }
}
