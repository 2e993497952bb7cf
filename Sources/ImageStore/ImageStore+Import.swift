// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage

extension ImageStore {
    /// Imports an image file: a tar archive, plain or compressed with gzip, bzip2, xz or zstd.
    ///
    /// Memory does not grow with the image, and nothing is left behind after an error or a crash. An image that is in
    /// the store already becomes the one imported last.
    ///
    /// - Parameters:
    ///   - reusingUnchanged: whether to go without reading when the file is as it was at its last import with this
    ///     flag, going by path, inode, size, and times.
    ///   - isLatest: whether the image was fetched by a name without a version, which prefers it in later lookups.
    /// - Throws: `RuntimeError` naming the file and what is wrong with it.
    package func importImage(
        at path: FilePath, reusingUnchanged: Bool = false, isLatest: Bool = false
    ) throws -> StoredImage {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? file.close() }
        let start = now()
        let status = try FileSystem.status(of: file)
        guard status.type != .directory else {
            throw RuntimeError(.invalidArgument, "\(path) is a directory, not an image file")
        }
        if reusingUnchanged, let image = try unchangedImage(path, status) { return image }
        let image = try importImage(from: file, name: path.string, isLatest: isLatest)
        if reusingUnchanged, try FileSystem.status(of: file) == status, start - status.changeTime > ImageStore.clockTick
        {
            let source = SourceRecord(path: try absolute(path), status: status, image: image.fullID.string)
            try index.write { database in
                // Somebody may have removed the image already.
                if try ImageRecord.exists(database, key: source.image) { try source.upsert(database) }
            }
        }
        return image
    }

    /// Imports an image from an open file or pipe, read to its end.
    ///
    /// - Parameters:
    ///   - name: what messages call it.
    ///   - approve: called when the image is known and not yet in the store, which it does not enter when this throws.
    package func importImage(
        from file: FileDescriptor, name: String, isLatest: Bool = false,
        approve: ((ArchiveInspection) throws -> Void)? = nil
    ) throws -> StoredImage {
        try index.requireWritable()
        TemporaryItem.removeStale(in: layout.temporary, prefix: ImageStore.importPrefix)
        let status = try FileSystem.status(of: file)
        let fileSize = status.size
        try checkSpace(for: fileSize, name)
        let item = try TemporaryItem(.file, in: layout.temporary, prefix: ImageStore.importPrefix)
        let onRead = progress?.begin(
            "importing \(FilePath(name).lastComponent?.string ?? name)", total: status.type == .regular ? fileSize : nil
        )
        defer { progress?.end() }
        let inspection: ArchiveInspection
        do {
            let output = try item.openForWriting()
            defer { try? output.close() }
            inspection = try ImageImporter.importImage(
                from: file, name: name, writingTo: output, limits: limits, isHashed: approve != nil, onRead: onRead)
            do {
                try FileSystem.synchronize(output)
            } catch {
                throw OutputError(errno: error, written: inspection.size)
            }
        } catch let error as OutputError {
            item.discard()
            throw writeFailure(error, name, fileSize)
        }
        try approve?(inspection)
        return try place(item, inspection, isLatest)
    }

    /// A file whose time stamps are younger than this may still change without a new time stamp.
    static let clockTick: Int64 = 20_000_000
    static let importPrefix = "import-"

    /// Gives the archive its name and enters it into the index as one step.
    private func place(_ item: TemporaryItem, _ inspection: ArchiveInspection, _ isLatest: Bool) throws -> StoredImage {
        let blob = layout.blob(for: inspection.imageID)
        let directory = blob.removingLastComponent()
        if !FileSystem.exists(directory) {
            try SharedDirectory.make(directory, mode: StoreLayout.sharedMode)
            try FileSystem.synchronize(layout.blobs)
        }
        let time = now()
        let image = try index.write { database in
            let id = inspection.imageID.string
            let known = try ImageRecord.fetchOne(database, key: id)
            let isStored = known != nil && (try? FileSystem.status(blob).size) == inspection.size
            if !isStored {
                try item.move(to: blob, replace: true)
                // The index must not know of an archive that a loss of power can take away.
                try FileSystem.synchronize(directory)
            }
            let record = ImageRecord(
                id: id, name: inspection.manifest.name.string, labels: inspection.manifest.labels,
                manifest: String(decoding: inspection.manifestBytes, as: UTF8.self), size: inspection.size,
                importTime: time, lastUsed: time, isLatest: isLatest || known?.isLatest ?? false)
            try record.upsert(database)
            return try ImageStore.image(record, database)
        }
        return image
    }

    private func unchangedImage(_ path: FilePath, _ status: FileStatus) throws -> StoredImage? {
        let absolute = try absolute(path)
        return try index.read { database in
            guard let source = try SourceRecord.fetchOne(database, key: absolute.string),
                source == SourceRecord(path: absolute, status: status, image: source.image),
                let record = try ImageRecord.fetchOne(database, key: source.image)
            else { return nil }
            let image = try ImageStore.image(record, database)
            return FileSystem.exists(layout.blob(for: image.id)) ? image : nil
        }
    }

    private func absolute(_ path: FilePath) throws -> FilePath {
        if path.isAbsolute { return path }
        return FilePath(try FileSystem.readSymbolicLink("/proc/self/cwd")).pushing(path)
    }

    // MARK: - Space

    /// Refuses an image that cannot fit, before work is spent on it. It takes at least as much as its file.
    private func checkSpace(for fileSize: Int64, _ name: String) throws {
        let free = try FileSystem.freeBytes(layout.temporary)
        guard UInt64(max(0, fileSize)) <= free else { throw noSpace(name, needed: fileSize, free: free) }
    }

    private func writeFailure(_ error: OutputError, _ name: String, _ fileSize: Int64) -> RuntimeError {
        guard error.errno == .noSpace || error.errno == .diskQuotaExceeded else {
            return RuntimeError(
                .internal, "cannot write image \(name) below \(layout.temporary): \(error.errno.text)")
        }
        let free = (try? FileSystem.freeBytes(layout.temporary)) ?? 0
        // What it takes in all is not known; more than there is, now that the unfinished file is gone again.
        return noSpace(name, needed: max(fileSize, error.written, Int64(clamping: free)) + 1, free: free)
    }

    private func noSpace(_ name: String, needed: Int64, free: UInt64) -> RuntimeError {
        RuntimeError(
            .internal,
            "no space left for image \(name): it needs at least \(needed) bytes in \(layout.cas), \(free) are free; "
                + "free some, for instance with \"rkt image gc\"")
    }
}
