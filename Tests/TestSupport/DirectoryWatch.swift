// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// The names that appear in a directory, none left out however short they stand there (inotify(7)).
package final class DirectoryWatch {
    private let descriptor: Int32

    package init(_ directory: FilePath) throws {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        guard inotify_add_watch(descriptor, directory.string, UInt32(IN_CREATE | IN_MOVED_TO)) >= 0 else {
            throw Errno(rawValue: errno)
        }
    }

    deinit { close(descriptor) }

    /// What has appeared since the watch began, or since the last call.
    package func names() -> [String] {
        var names: [String] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return names }
            var offset = 0
            // Four numbers of 32 bits, the last of which is the length of the name, padded with zeros.
            while offset + 16 <= count {
                let length = buffer[(offset + 12)..<(offset + 16)].reversed().reduce(0) { $0 << 8 | Int($1) }
                let name = buffer[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }
                names.append(String(decoding: name, as: UTF8.self))
                offset += 16 + length
            }
        }
    }
}
