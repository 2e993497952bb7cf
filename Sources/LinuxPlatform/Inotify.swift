// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// What happens in directories (inotify(7)).
package final class Inotify {
    /// What is asked for, and what has happened.
    package struct Events: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Corresponds to `IN_MODIFY`.
        package static let modified = Events(rawValue: 0x2)
        /// Corresponds to `IN_ATTRIB`: mode, owner or times of the thing itself or of something in it.
        package static let attributes = Events(rawValue: 0x4)
        /// Corresponds to `IN_CLOSE_WRITE`.
        package static let written = Events(rawValue: 0x8)
        /// Corresponds to `IN_MOVED_FROM`.
        package static let movedFrom = Events(rawValue: 0x40)
        /// Corresponds to `IN_MOVED_TO`.
        package static let movedTo = Events(rawValue: 0x80)
        /// Corresponds to `IN_CREATE`.
        package static let created = Events(rawValue: 0x100)
        /// Corresponds to `IN_DELETE`.
        package static let deleted = Events(rawValue: 0x200)
        /// Corresponds to `IN_DELETE_SELF`.
        package static let selfDeleted = Events(rawValue: 0x400)
        /// Corresponds to `IN_MOVE_SELF`.
        package static let selfMoved = Events(rawValue: 0x800)
        /// Corresponds to `IN_UNMOUNT`; always told.
        package static let unmounted = Events(rawValue: 0x2000)
        /// Corresponds to `IN_Q_OVERFLOW`: events were lost; always told, of no watch.
        package static let overflow = Events(rawValue: 0x4000)
        /// Corresponds to `IN_IGNORED`: the watch is gone; always told.
        package static let ignored = Events(rawValue: 0x8000)
    }

    /// What inotify_add_watch(2) has returned: one for each thing that is watched, by whatever path.
    package typealias Watch = Int32

    package struct Event: Sendable, Equatable {
        package let watch: Watch
        package let events: Events
        /// What in the directory it is about; empty for the directory itself.
        package let name: String
    }

    /// Readable when there are events.
    package let descriptor: FileDescriptor

    package init() throws {
        let number = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        guard number >= 0 else { throw RuntimeError.systemCall("inotify_init", nil, lastErrno) }
        descriptor = FileDescriptor(rawValue: number)
    }

    deinit { try? descriptor.close() }

    /// Watches a directory. What it watches by another path, or with other events, it watches with these from now on.
    ///
    /// - Throws: code `notFound` when there is no such directory.
    package func watch(_ directory: FilePath, _ events: Events) throws -> Watch {
        let result = inotify_add_watch(descriptor.rawValue, directory.string, events.rawValue | UInt32(IN_ONLYDIR))
        guard result >= 0 else { throw RuntimeError.systemCall("inotify_add_watch", directory, lastErrno) }
        return result
    }

    /// Ends a watch; one that is gone already is fine.
    package func remove(_ watch: Watch) { inotify_rm_watch(descriptor.rawValue, watch) }

    /// Reads of one call: whoever makes things happen all the time does not keep it from returning.
    private static let mostReads = 16

    /// What has happened since the last call; does not wait. Where that is much, the rest is the next call's.
    package func next() throws -> [Event] {
        var result: [Event] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for _ in 0..<Self.mostReads {
            let count = read(descriptor.rawValue, &buffer, buffer.count)
            if count < 0, lastErrno == .interrupted { continue }
            if count < 0, lastErrno == .wouldBlock { return result }
            guard count > 0 else { throw RuntimeError.systemCall("read", nil, lastErrno) }
            result += Inotify.events(in: buffer[..<count])
        }
        return result
    }

    /// Four numbers of 32 bits, the last of which is the length of the name, padded with zeros.
    private static func events(in buffer: ArraySlice<UInt8>) -> [Event] {
        func number(_ offset: Int) -> UInt32 {
            buffer[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        var result: [Event] = []
        var offset = buffer.startIndex
        while offset + 16 <= buffer.endIndex {
            let end = min(offset + 16 + Int(number(offset + 12)), buffer.endIndex)
            let name = buffer[(offset + 16)..<end].prefix { $0 != 0 }
            result.append(
                Event(
                    watch: Int32(bitPattern: number(offset)), events: Events(rawValue: number(offset + 4)),
                    name: String(decoding: name, as: UTF8.self)))
            offset = end
        }
        return result
    }
}
