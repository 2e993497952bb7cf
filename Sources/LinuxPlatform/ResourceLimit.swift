// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc

/// The most that a program may have of something (getrlimit(2)); less that was inherited stays.
package struct ResourceLimit: Sendable, Equatable, CustomStringConvertible {
    package enum Resource: String, Sendable, CaseIterable {
        /// Bytes of a core dump.
        case core
        /// Descriptors.
        case nofile
        /// Processes and threads of its user.
        case nproc
        /// Bytes that are kept in memory.
        case memlock
        /// Bytes of POSIX message queues.
        case msgqueue

        var number: Int32 {
            switch self {
            case .core: Int32(bitPattern: RLIMIT_CORE.rawValue)
            case .nofile: Int32(bitPattern: RLIMIT_NOFILE.rawValue)
            case .nproc: Int32(bitPattern: __RLIMIT_NPROC.rawValue)
            case .memlock: Int32(bitPattern: __RLIMIT_MEMLOCK.rawValue)
            case .msgqueue: Int32(bitPattern: __RLIMIT_MSGQUEUE.rawValue)
            }
        }
    }

    package let resource: Resource
    package let value: UInt64

    package init(_ resource: Resource, _ value: UInt64) {
        self.resource = resource
        self.value = value
    }

    package var description: String { "\(resource.rawValue) \(value)" }
}

extension ResourceLimit {
    /// Lets this process have so many descriptors, as far as it may (getrlimit(2)); it has no fewer than before.
    package static func allowDescriptors(_ count: UInt64) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(count)))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Has this process, and what it starts, have no more descriptors than this until it asks for them.
    package static func expectDescriptors(_ count: UInt64) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_cur, rlim_t(count))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
