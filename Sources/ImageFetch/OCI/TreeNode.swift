// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import LinuxPlatform
import SystemPackage

/// One component of a path: any bytes but NUL and slash.
struct EntryName: Hashable, Comparable, CustomStringConvertible {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The components of a path.
    static func components(_ path: FilePath) -> [EntryName] {
        path.components.map { component in
            // SAFETY: the text is NUL-terminated and lives as long as the call.
            component.withPlatformString { text in
                var bytes: [UInt8] = []
                var place = text
                while place.pointee != 0 {
                    bytes.append(UInt8(bitPattern: place.pointee))
                    place += 1
                }
                return EntryName(bytes)
            }
        }
    }

    /// The components of a symbolic link's text, and whether it begins at the root.
    static func components(ofLink target: [UInt8]) -> (names: [EntryName], isAbsolute: Bool) {
        let slash = UInt8(ascii: "/")
        return (target.split(separator: slash).map { EntryName($0) }, target.first == slash)
    }

    static func < (first: EntryName, second: EntryName) -> Bool {
        first.bytes.lexicographicallyPrecedes(second.bytes)
    }

    var description: String { String(decoding: bytes, as: UTF8.self) }

    func hasPrefix(_ prefix: String) -> Bool { bytes.starts(with: prefix.utf8) }
}

/// A file of an image under several names, or a directory: an inode.
final class TreeNode {
    /// A name in a directory.
    struct Place {
        let node: TreeNode
        /// The last layer that has the name, or something beneath it.
        var layer: Int
    }

    enum Content {
        case directory
        /// The contents of a regular file, or the parts of it that are no holes.
        case file(size: Int64, segments: [TarEntry.Segment], region: Spool.Region)
        case symbolicLink([UInt8])
        case fifo
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
    }

    let content: Content
    var mode: UInt32
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    /// Nanoseconds since 1970.
    var modification: Int64 = 0
    var attributes: [(name: String, value: [UInt8])] = []
    /// What a directory holds.
    var children: [EntryName: Place] = [:]
    /// The layer that has taken away what lower ones have in this directory; 0 for none.
    var prunedLayer = 0
    /// The name under which the archive has it already.
    var archivedPath: [UInt8]?

    init(_ content: Content, mode: UInt32) {
        self.content = content
        self.mode = mode
    }

    var isDirectory: Bool {
        if case .directory = content { true } else { false }
    }

    /// Takes owner, mode, time and attributes from an entry.
    func adopt(_ entry: ArchiveEntry, _ attributes: [(name: String, value: [UInt8])]) {
        mode = entry.mode
        uid = entry.uid
        gid = entry.gid
        modification = entry.times.modification
        self.attributes = attributes
    }
}
