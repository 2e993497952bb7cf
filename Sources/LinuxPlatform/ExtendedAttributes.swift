// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import Diagnostics
import SystemPackage

/// Extended attributes (xattr(7)) of a path; a symbolic link's own, never those of what it points to.
package enum ExtendedAttributes {
    /// The names of all attributes; none on a file system without them.
    package static func names(_ path: FilePath) throws -> [String] {
        guard
            let bytes = try read(
                path, "listxattr", { list, size in path.withPlatformString { rkt_llistxattr($0, list, size) } })
        else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value of an attribute, or nil when it is not there.
    package static func value(_ name: String, of path: FilePath) throws -> [UInt8]? {
        try read(path, "getxattr") { value, size in
            path.withPlatformString { rkt_lgetxattr($0, name, value, size) }
        }
    }

    package static func set(_ name: String, _ value: [UInt8], of path: FilePath) throws {
        // SAFETY: the array is passed with its own count.
        try check(path.withPlatformString { rkt_lsetxattr($0, name, value, value.count, 0) }, "setxattr", path)
    }

    /// Gives `target` all attributes that `source` has.
    package static func copy(from source: FilePath, to target: FilePath) throws {
        for name in try names(source) {
            if let value = try value(name, of: source) { try set(name, value, of: target) }
        }
    }

    /// Asks for the size, then for the bytes, and again when they have grown in between.
    private static func read(
        _ path: FilePath, _ call: String, _ body: (UnsafeMutablePointer<CChar>?, Int) -> Int
    ) throws -> [UInt8]? {
        while true {
            let size = body(nil, 0)
            if size == -Int(Errno.noData.rawValue) || size == -Int(Errno.notSupported.rawValue) { return nil }
            try check(size, call, path)
            guard size > 0 else { return [] }
            var buffer = [CChar](repeating: 0, count: size)
            // SAFETY: the buffer is passed with its own count.
            let count = buffer.withUnsafeMutableBufferPointer { body($0.baseAddress, $0.count) }
            if count == -Int(Errno.outOfRange.rawValue) { continue }
            if count == -Int(Errno.noData.rawValue) { return nil }
            try check(count, call, path)
            return buffer[..<count].map { UInt8(bitPattern: $0) }
        }
    }
}
