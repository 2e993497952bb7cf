// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// What reading an image file from end to end told.
package struct ArchiveInspection: Sendable {
    package let manifest: ImageManifest
    /// The manifest as it stands in the archive.
    package let manifestBytes: [UInt8]
    /// SHA-512 of the whole uncompressed archive, padding included.
    package let imageID: ImageID
    /// Bytes of the uncompressed archive.
    package let size: Int64
    package let compression: Compression
    /// SHA-256 of the file itself, compressed as it is; nil unless it was asked for.
    package let fileDigest: [UInt8]?
}

/// Reads image files: decompresses, hashes, stores and validates them in one pass.
package enum ImageImporter {
    /// Reads an image from a descriptor's offset to its end.
    ///
    /// - Parameters:
    ///   - input: any readable file, a pipe included; plain tar or compressed.
    ///   - name: what messages call the image, normally its path.
    ///   - output: gets the uncompressed archive; its contents mean nothing after an error.
    ///   - isHashed: whether the digest of the file itself is wanted.
    ///   - onRead: gets the size of each block read from the input.
    /// - Throws: `RuntimeError` for anything wrong with the image, `OutputError` when writing fails.
    package static func importImage(
        from input: FileDescriptor, name: String, writingTo output: FileDescriptor? = nil,
        limits: ArchiveLimits = ArchiveLimits(), isHashed: Bool = false, onRead: ((Int) -> Void)? = nil
    ) throws -> ArchiveInspection {
        let file = DescriptorSource(input, name: name, isHashed: isHashed, onRead: onRead)
        let compression = Compression(ofFileStarting: try file.peek())
        let plain = BoundedSource(try compression.decompress(file), name: name, limits: limits)
        let stream = HashingSource(plain, writingTo: output)
        let reader = try TarReader(stream, name: name, limits: limits, requiresEnd: true)
        do {
            let manifestBytes = try readEntries(reader, stream, compression, name, limits)
            let manifest = try parse(manifestBytes, name)
            try stream.drain()
            return ArchiveInspection(
                manifest: manifest, manifestBytes: manifestBytes, imageID: stream.imageID(), size: stream.size,
                compression: compression, fileDigest: try file.digest())
        } catch let error as RuntimeError where compression != .none && !reader.isSourceBroken && !reader.isOverLimit {
            // Damaged data may decompress to nonsense long before the sum at their end tells.
            try stream.probe(limit: ImageImporter.probeLimit)
            throw error
        }
    }

    /// How far a refused image is read to find out whether its data are damaged.
    private static let probeLimit: Int64 = 8 << 30

    /// The ID of an uncompressed archive, without looking inside.
    package static func imageID(ofArchive file: FileDescriptor, name: String) throws -> ImageID {
        let stream = HashingSource(DescriptorSource(file, name: name))
        try stream.drain()
        return stream.imageID()
    }

    /// Reads all entries and returns the manifest.
    private static func readEntries(
        _ reader: TarReader, _ stream: HashingSource, _ compression: Compression, _ name: String,
        _ limits: ArchiveLimits
    ) throws -> [UInt8] {
        var validator = LayoutValidator(name: name, limits: limits)
        var manifestBytes: [UInt8] = []
        var entry = try firstEntry(of: reader, stream, compression, name)
        while let current = entry {
            if try validator.admit(current, reader.extendedAttributes()) == .manifest {
                manifestBytes = try read(current, reader, name, limit: limits.manifestBytes)
            }
            entry = try reader.next()
        }
        try validator.finish()
        return manifestBytes
    }

    /// Reads the first header, telling apart what is not a tar archive from one that is damaged.
    private static func firstEntry(
        of reader: TarReader, _ stream: HashingSource, _ compression: Compression, _ name: String
    ) throws -> ArchiveEntry? {
        let result = Result { try reader.next() }
        if !reader.isSourceBroken, let problem = notTar(stream.head) {
            let inside = compression == .none ? "" : " (after decompressing \(compression.rawValue))"
            throw RuntimeError(
                .invalidArgument, "\(name) is not an image: it is \(problem)\(inside), not a tar archive")
        }
        return try result.get()
    }

    /// What a file that is no tar archive of POSIX or GNU is instead; nil for an archive.
    private static func notTar(_ head: [UInt8]) -> String? {
        if head.isEmpty { return "empty" }
        if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) { return nil }
        let compression = Compression(ofFileStarting: head)
        if compression != .none { return "\(compression.rawValue) data" }
        let isText = head.allSatisfy { $0 >= 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        return isText ? "text" : "data of an unknown kind"
    }

    private static func read(
        _ entry: ArchiveEntry, _ reader: TarReader, _ name: String, limit: Int
    ) throws -> [UInt8] {
        guard entry.size <= limit else {
            throw RuntimeError(
                .invalidArgument, "\(name): its manifest is larger than \(limit) bytes, the most allowed")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(entry.size))
        while let block = try reader.nextBlock() {
            bytes.append(contentsOf: repeatElement(0, count: max(0, Int(block.offset) - bytes.count)))
            bytes.append(contentsOf: block.bytes)
        }
        return bytes
    }

    private static func parse(_ bytes: [UInt8], _ name: String) throws -> ImageManifest {
        do {
            return try ImageManifest(parsing: bytes)
        } catch {
            // The innermost message is what users see without --debug, so it names the file itself.
            // What follows its first line shows the place.
            let reason = "\(error)".prefix { $0 != "\n" }
            throw RuntimeError(.invalidArgument, "\(name): its manifest is not valid: \(reason)")
        }
    }
}
