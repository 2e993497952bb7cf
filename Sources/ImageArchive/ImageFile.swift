// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Single parts of an image's file, without unpacking it or keeping anything of it. The rest of it is not checked.
package struct ImageFile {
    private let file: FileDescriptor
    private let name: String
    private let limits: ArchiveLimits

    /// As many as the kernel follows (path_resolution(7)); each costs another look through the archive.
    private static let mostLinks = 8

    /// - Parameters:
    ///   - file: a regular file, plain tar or compressed; it stays the caller's.
    ///   - name: what messages call the image, normally its path.
    package init(_ file: FileDescriptor, name: String, limits: ArchiveLimits = ArchiveLimits()) {
        self.file = file
        self.name = name
        self.limits = limits
    }

    /// The manifest as it stands in the archive; nobody has looked whether it is one.
    package func manifestBytes() throws -> [UInt8] {
        let bytes = try search { entry, reader -> [UInt8]? in
            guard entry.path == ArchiveName.manifest, case .file = entry.kind else { return nil }
            return try read(entry, reader, limit: limits.manifestBytes)
        }
        guard let bytes else {
            throw RuntimeError(.invalidArgument, "\(name) is not a valid image: it holds no \"manifest\" file")
        }
        return bytes
    }

    /// The bytes of a file in the image's root. Symbolic links are followed, within the root.
    ///
    /// - Returns: nil when the image has no such file.
    /// - Throws: also for a file of more than `limit` bytes.
    package func contents(of path: String, limit: Int) throws -> [UInt8]? {
        var wanted = FilePath(inRoot: path)
        for _ in 0...Self.mostLinks {
            let inside = ArchiveName.root.pushing(FilePath(String(wanted.string.dropFirst())))
            let found = try search { entry, reader -> Found? in
                guard inside.starts(with: entry.path), !entry.path.isEmpty else { return nil }
                switch entry.kind {
                case .symbolicLink(let text):
                    return .link(Self.followed(inside, entry.path, text))
                case .hardLink(let target) where entry.path == inside:
                    return .link(Self.belowRoot(target))
                case .file where entry.path == inside:
                    return .bytes(try read(entry, reader, limit: limit))
                default: return nil
                }
            }
            switch found {
            case .bytes(let bytes): return bytes
            case .link(let next): wanted = next
            case nil: return nil
            }
        }
        throw RuntimeError(.invalidArgument, "\(name): \"\(path)\" leads through more than \(Self.mostLinks) links")
    }

    private enum Found {
        case bytes([UInt8])
        /// In the image's root.
        case link(FilePath)
    }

    /// Where a path leads by a symbolic link that is the path or one of its directories.
    private static func followed(_ path: FilePath, _ link: FilePath, _ text: [CChar]) -> FilePath {
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let target = FilePath(String(decoding: bytes, as: UTF8.self))
        var rest = path
        _ = rest.removePrefix(link)
        let start = target.isAbsolute ? target : belowRoot(link).removingLastComponent().pushing(target)
        return FilePath(inRoot: start.pushing(rest).string)
    }

    private static func belowRoot(_ path: FilePath) -> FilePath {
        var path = path
        _ = path.removePrefix(ArchiveName.root)
        return FilePath(inRoot: path.string)
    }

    /// Reads entries from the first on until one of them has an answer.
    private func search<Answer>(_ answer: (ArchiveEntry, TarReader) throws -> Answer?) throws -> Answer? {
        try file.seek(offset: 0, from: .start)
        let source = DescriptorSource(file, name: name)
        let compression = Compression(ofFileStarting: try source.peek())
        let plain = BoundedSource(try compression.decompress(source), name: name, limits: limits)
        let reader = try TarReader(plain, name: name, limits: limits)
        while let entry = try reader.next() {
            if let found = try answer(entry, reader) { return found }
        }
        return nil
    }

    private func read(_ entry: ArchiveEntry, _ reader: TarReader, limit: Int) throws -> [UInt8] {
        guard entry.size <= limit else {
            throw RuntimeError(
                .invalidArgument, "\(name): \(ArchiveName.quoted(entry.path)) is larger than \(limit) bytes")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(entry.size))
        while let block = try reader.nextBlock() {
            bytes.append(contentsOf: repeatElement(0, count: max(0, Int(block.offset) - bytes.count)))
            bytes.append(contentsOf: block.bytes)
        }
        return bytes
    }
}
