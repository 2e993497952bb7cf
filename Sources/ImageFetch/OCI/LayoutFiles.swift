// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage

/// The files of a layout by their names in it.
protocol LayoutFiles {
    /// A whole file; nil when there is none.
    func read(_ name: String, limit: Int) throws -> [UInt8]?
    /// A blob; nil when there is none.
    func open(_ digest: ContentDigest) throws -> StoredBlob?
    func close(_ blob: StoredBlob)
}

/// A layout that is a directory.
struct LayoutDirectory: LayoutFiles {
    let path: FilePath

    func read(_ name: String, limit: Int) throws -> [UInt8]? {
        guard let file = try openFile(name) else { return nil }
        defer { try? file.close() }
        return try FileSystem.read(file, path.appending(name), limit: limit)
    }

    func open(_ digest: ContentDigest) throws -> StoredBlob? {
        guard let file = try openFile("blobs/sha256/\(digest.hex)") else { return nil }
        do {
            return StoredBlob(file: file, range: 0..<(try FileSystem.status(of: file).size))
        } catch {
            try? file.close()
            throw error
        }
    }

    func close(_ blob: StoredBlob) { try? blob.file.close() }

    private func openFile(_ name: String) throws -> FileDescriptor? {
        let full = path.appending(name)
        let file: FileDescriptor
        do {
            // A fifo in the place of a file must not stop the program.
            file = try FileDescriptor.open(full, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", full, error)
        }
        guard try FileSystem.status(of: file).type == .regular else {
            try? file.close()
            throw RuntimeError(.invalidArgument, "\(full) is not a regular file")
        }
        return file
    }
}

/// A layout that is a tar archive, its files copied to a spool since an archive may be compressed.
final class LayoutArchive: LayoutFiles {
    private let spool: Spool
    private var regions: [String: Spool.Region] = [:]

    init(_ path: FilePath, settings: ConversionSettings) throws {
        spool = try Spool(in: settings.temporary)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        let status = try FileSystem.status(of: file)
        guard status.type == .regular else {
            throw RuntimeError(.invalidArgument, "\(path) is neither a directory nor a regular file")
        }
        let onRead = settings.progress?.begin("reading \(path.lastComponent?.string ?? "")", total: status.size)
        defer { settings.progress?.end() }
        let reader = try LayerReader(
            file, range: 0..<status.size, name: path.string, limits: settings.archiveLimits, onRead: onRead)
        while let entry = try reader.next() {
            let name = entry.path.string
            guard case .file = entry.kind,
                ["oci-layout", "index.json", "manifest.json"].contains(name)
                    || name.hasPrefix("blobs/sha256/") && name.utf8.count == 77
            else { continue }
            var region = Spool.Region(offset: spool.size, length: 0)
            while let block = try reader.nextBlock() {
                guard block.offset == region.length else {
                    throw RuntimeError(.invalidArgument, "\(path): \"\(name)\" is a sparse file, which no layout holds")
                }
                try spool.append(block.bytes)
                region.length += Int64(block.bytes.count)
            }
            regions[name] = region
        }
    }

    func read(_ name: String, limit: Int) throws -> [UInt8]? {
        guard let region = regions[name] else { return nil }
        guard region.length <= limit else {
            throw RuntimeError(.invalidArgument, "\(name) of the layout is larger than \(limit) bytes")
        }
        var bytes: [UInt8] = []
        try spool.read(region) { bytes.append(contentsOf: $0) }
        return bytes
    }

    func open(_ digest: ContentDigest) throws -> StoredBlob? {
        regions["blobs/sha256/\(digest.hex)"].map { StoredBlob(file: spool.file, range: $0.range) }
    }

    func close(_ blob: StoredBlob) {}
}
