// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// poll(2) over named sources.
package enum Poll {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: Int16(POLLIN))
        package static let write = Interest(rawValue: Int16(POLLOUT))
        /// Reported whether asked for or not: the other end is gone, or the descriptor is broken.
        package static let hangUp = Interest(rawValue: Int16(POLLHUP | POLLERR | POLLNVAL))
    }

    /// Waits for any of the descriptors.
    ///
    /// - Parameter timeout: milliseconds; nil waits without end.
    /// - Returns: what is ready, by index into `sources`; empty on timeout or when a signal interrupted the wait.
    package static func wait(
        _ sources: [(FileDescriptor, Interest)], timeout: Int?
    ) throws -> [(index: Int, ready: Interest)] {
        var entries = sources.map { pollfd(fd: $0.0.rawValue, events: $0.1.rawValue, revents: 0) }
        let limit = timeout.map { CInt(clamping: max(0, $0)) } ?? -1
        let count = poll(&entries, nfds_t(entries.count), limit)
        guard count >= 0 else {
            if lastErrno == .interrupted { return [] }
            throw RuntimeError.systemCall("poll", nil, lastErrno)
        }
        return entries.indices.compactMap { index in
            entries[index].revents == 0 ? nil : (index, Interest(rawValue: entries[index].revents))
        }
    }
}

/// The monotonic clock.
package enum Clock {
    /// Milliseconds since some fixed moment before this program started.
    package static var milliseconds: Int { Int(microseconds / 1000) }

    package static var microseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    /// Nanoseconds since 1970.
    package static var wallNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
