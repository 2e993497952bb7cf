// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GRDB
import ImageArchive
import LinuxPlatform
import SystemPackage

/// The images below a data directory: their archives by content, an index of them, and their rendered trees.
///
/// Many processes may use one store at a time. An archive is complete once it has its name; the index's transactions
/// order what is added and removed; a file lock guards each tree.
package final class ImageStore: Sendable {
    package let layout: StoreLayout
    let index: StoreIndex
    let progress: Progress?
    /// What images may ask for.
    package let limits: ArchiveLimits

    /// Opens the store, making what is missing.
    ///
    /// A user who may only read an existing store gets one that refuses to change anything.
    ///
    /// - Parameters:
    ///   - progress: hears of the bytes that importing and rendering read.
    ///   - limits: for each image that is imported or rendered.
    package init(
        dataDirectory: FilePath, progress: Progress? = nil, limits: ArchiveLimits = ArchiveLimits()
    ) throws {
        self.progress = progress
        self.limits = limits
        layout = StoreLayout(dataDirectory: dataDirectory)
        do {
            try layout.prepare()
        } catch let error as RuntimeError {
            // Somebody else's store can still be read.
            guard error.code == .permissionDenied, FileSystem.exists(layout.database) else {
                throw RuntimeError(
                    error.code,
                    "cannot make the image store in \(dataDirectory): \(error); "
                        + "run as root or name another directory with --dir")
            }
        }
        index = try StoreIndex(layout)
    }

    /// Opens an existing store for reading: nothing is made or changed, whoever the caller is.
    ///
    /// - Throws: code `permissionDenied` when the caller may not read it, or it is of an older version.
    package init(reading dataDirectory: FilePath) throws {
        progress = nil
        limits = ArchiveLimits()
        layout = StoreLayout(dataDirectory: dataDirectory)
        index = try StoreIndex(layout, onlyReads: true)
    }

    // MARK: - Looking up

    /// All images, the one imported first at the start.
    package func images() throws -> [StoredImage] {
        try index.read { database in
            let sizes = try ImageStore.treeSizes(database)
            let records = try ImageRecord.select(ImageRecord.Columns.summary)
                .order(ImageRecord.Columns.importTime, ImageRecord.Columns.id).fetchAll(database)
            // Few images have labels that no other one has.
            var known: [String: Labels] = [:]
            return try records.map { record in
                let labels = try known[record.encodedLabels] ?? ImageRecord.labels(from: record.encodedLabels)
                known[record.encodedLabels] = labels
                return try record.image(labels: labels, treeSize: sizes[record.id] ?? 0)
            }
        }
    }

    /// The image whose ID begins with a text: `sha512-` and at least two digits.
    package func image(matching prefix: String) throws -> StoredImage {
        let text = prefix.lowercased()
        let digits = text.utf8.dropFirst("sha512-".utf8.count)
        guard text.hasPrefix("sha512-"), digits.allSatisfy(ImageStore.isHexDigit) else {
            throw RuntimeError(
                .invalidArgument, "\"\(prefix)\" is not an image ID: expected sha512- and hexadecimal digits")
        }
        guard digits.count >= 2 else {
            throw RuntimeError(.invalidArgument, "image ID too short: \"\(prefix)\" must have at least two digits")
        }
        let images = try index.read { database in
            // No digit sorts behind "f".
            let id = ImageRecord.Columns.id
            let records = try ImageRecord.select(ImageRecord.Columns.summary)
                .filter(id >= text && id < text + "g").limit(2).fetchAll(database)
            return try records.map { try ImageStore.image($0, database) }
        }
        guard let image = images.first else {
            throw RuntimeError(.notFound, "no image IDs found that begin with \"\(prefix)\"")
        }
        guard images.count == 1 else {
            throw RuntimeError(.invalidArgument, "ambiguous image ID: more than one begins with \"\(prefix)\"")
        }
        return image
    }

    /// The best image with a name and labels, or nil.
    ///
    /// Labels that are not asked for may have any value. When no version is asked for, images once fetched without a
    /// version go first; then the one imported last.
    package func image(named name: ImageName) throws -> StoredImage? {
        let records = try index.read { database in
            try ImageRecord.select(ImageRecord.Columns.summary).filter(ImageRecord.Columns.name == name.name.string)
                .order(ImageRecord.Columns.importTime.desc).fetchAll(database)
        }
        let candidates = try records.filter {
            name.matches(name: name.name, labels: try ImageRecord.labels(from: $0.encodedLabels))
        }
        let preferred = name.version == nil ? candidates.first { $0.isLatest } : nil
        guard let record = preferred ?? candidates.first else { return nil }
        return try index.read { try ImageStore.image(record, $0) }
    }

    /// The full IDs of an image and of everything it depends on; of the image alone if something of that is missing.
    package func parts(of image: StoredImage) -> Set<ImageID> {
        (try? DependencyResolver(image, in: self))?.images ?? [image.fullID]
    }

    // MARK: - Contents

    package func manifest(of image: StoredImage) throws -> ImageManifest {
        try ImageManifest(parsing: manifestBytes(of: image))
    }

    /// The manifest as it stands in the archive.
    package func manifestBytes(of image: StoredImage) throws -> [UInt8] {
        Array((try record(of: image).manifest ?? "").utf8)
    }

    /// Opens the uncompressed archive for reading.
    package func openBlob(_ image: StoredImage) throws -> FileDescriptor {
        // Somebody may remove the image meanwhile, and somebody else import it again.
        for _ in 0..<8 {
            do {
                return try FileDescriptor.open(
                    layout.blob(for: image.id), .readOnly, options: [.closeOnExec, .noFollow])
            } catch Errno.noSuchFileOrDirectory {
                _ = try record(of: image)
            } catch let error as Errno {
                throw RuntimeError.systemCall("open", layout.blob(for: image.id), error)
            }
        }
        throw RuntimeError(
            .notFound,
            "the archive of image \(image.id.short) (\(image.name)) is gone from the store; fetch it again")
    }

    // MARK: - Changing

    /// Removes an image and what is known about where it came from. Its rendered trees stay: pods may use them.
    package func remove(_ image: StoredImage) throws {
        try index.write { database in
            guard try ImageRecord.deleteOne(database, key: image.fullID.string) else {
                throw ImageStore.unknown(image)
            }
        }
        // Only now: a crash must not leave an image without its archive. The transaction keeps an import of the same
        // image from coming in between.
        try index.write { database in
            guard try !ImageRecord.exists(database, key: image.fullID.string) else { return }
            try FileSystem.remove(layout.blob(for: image.id))
        }
    }

    /// Notes that images are used now; nothing happens where the store may only be read.
    func touch(_ images: Set<ImageID>) throws {
        guard !index.isReadOnly else { return }
        try index.write { database in
            _ = try ImageRecord.filter(keys: images.map(\.string))
                .updateAll(database, ImageRecord.Columns.lastUsed.set(to: now()))
        }
    }

    // MARK: - Parts

    func record(of image: StoredImage) throws -> ImageRecord {
        guard let record = try index.read({ try ImageRecord.fetchOne($0, key: image.fullID.string) }) else {
            throw ImageStore.unknown(image)
        }
        return record
    }

    /// The image of a record, with the size of its trees.
    static func image(_ record: ImageRecord, _ database: Database) throws -> StoredImage {
        let trees = try TreeRecord.filter(Column("image") == record.id).fetchAll(database)
        return try record.image(
            labels: ImageRecord.labels(from: record.encodedLabels), treeSize: trees.reduce(0) { $0 + $1.size })
    }

    private static func treeSizes(_ database: Database) throws -> [String: Int64] {
        try TreeRecord.fetchAll(database).reduce(into: [:]) { $0[$1.image, default: 0] += $1.size }
    }

    private static func unknown(_ image: StoredImage) -> RuntimeError {
        RuntimeError(.notFound, "image \(image.id.short) (\(image.name)) is not in the store any more")
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
