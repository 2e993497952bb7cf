// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Writes a directory as the `rootfs` of an archive: sorted, with hard links, holes, devices and the extended attributes
/// that images have.
struct TreeArchiver {
    private struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: FileStatus) {
            device = status.device
            inode = status.inode
        }
    }

    /// A directory of the tree, or something in it.
    private struct Place {
        /// For messages, and for calls that need a path.
        let path: FilePath
        /// The name in the archive.
        let name: [UInt8]
    }

    private let root: Place
    private let rootDirectory: FileDescriptor
    private let writer: TarWriter
    private let owner: ImageBuilder.Owner?
    private let latestTime: Int64
    /// The archive itself, which must not go into itself.
    private let output: FileIdentity
    var omitsSockets = false
    private var device: UInt64 = 0
    /// Where a file with several names is in the archive.
    private var archived: [FileIdentity: [UInt8]] = [:]
    private let buffer: UnsafeMutableRawBufferPointer

    private static let bufferSize = 256 << 10

    init(
        _ path: FilePath, _ directory: FileDescriptor, _ writer: TarWriter, owner: ImageBuilder.Owner?,
        latestTime: Int64?, output: FileStatus
    ) {
        root = Place(path: path, name: Array("rootfs".utf8))
        rootDirectory = directory
        self.writer = writer
        self.owner = owner
        self.latestTime = latestTime ?? .max
        self.output = FileIdentity(output)
        buffer = .allocate(byteCount: TreeArchiver.bufferSize, alignment: 64)
    }

    /// Writes everything, the directory itself first.
    mutating func write() throws {
        defer { buffer.deallocate() }
        let status = try FileSystem.status(of: rootDirectory)
        device = status.device
        try begin(root, .directory, status, attributes: attributes(of: root, .directory))
        try writeContents(of: root, rootDirectory)
    }

    private mutating func writeContents(of place: Place, _ directory: FileDescriptor) throws {
        let names = try attempt("read", place) { try FileSystem.names(in: directory) }
        let sorted = names.map { (component: $0, bytes: TreeArchiver.bytes(of: $0)) }.sorted {
            $0.bytes.lexicographicallyPrecedes($1.bytes)
        }
        for (component, bytes) in sorted {
            let entry = Place(
                path: place.path.appending(component), name: place.name + [UInt8(ascii: "/")] + bytes)
            guard entry.name.count < PATH_MAX else {
                throw RuntimeError(.invalidArgument, "\(entry.path) is too deep: no system can open such a path")
            }
            try write(entry, component, in: directory)
        }
    }

    private mutating func write(
        _ place: Place, _ component: FilePath.Component, in directory: FileDescriptor
    ) throws {
        let status = try attempt("stat", place) { try FileSystem.status(component, in: directory) }
        let identity = FileIdentity(status)
        if status.type != .directory, status.linkCount > 1 {
            if let first = archived[identity] { return try begin(place, .hardLink(first), status) }
            archived[identity] = place.name
        }
        let (major, minor) = status.deviceNumbers
        switch status.type {
        case .directory: try writeDirectory(place, component, in: directory)
        case .regular: try writeFile(place, component, in: directory, identity)
        case .symbolicLink:
            let target = try attempt("readlink", place) { try FileSystem.readSymbolicLink(component, in: directory) }
            try begin(place, .symbolicLink(target), status)
        case .fifo: try begin(place, .fifo, status)
        case .characterDevice: try begin(place, .characterDevice(major: major, minor: minor), status)
        case .blockDevice: try begin(place, .blockDevice(major: major, minor: minor), status)
        case .socket where omitsSockets: break
        case .socket:
            throw RuntimeError(
                .invalidArgument, "\(place.path) is a socket, which an image cannot hold; remove it and build again")
        }
    }

    private mutating func writeDirectory(
        _ place: Place, _ component: FilePath.Component, in directory: FileDescriptor
    ) throws {
        let opened = try attempt("open", place) {
            try FileSystem.openDirectory(FilePath(root: nil, [component]), beneath: directory)
        }
        defer { try? opened.close() }
        let status = try FileSystem.status(of: opened)
        guard status.device == device else {
            throw RuntimeError(
                .invalidArgument, "\(place.path) is a mount point, and an image holds one file system; unmount it first"
            )
        }
        try begin(place, .directory, status, attributes: attributes(of: place, .directory))
        try writeContents(of: place, opened)
    }

    // MARK: - Files

    private func writeFile(
        _ place: Place, _ component: FilePath.Component, in directory: FileDescriptor, _ identity: FileIdentity
    ) throws {
        guard identity != output else {
            throw RuntimeError(
                .invalidArgument, "the image cannot be written to \(place.path), which is in its root file system")
        }
        let file = try attempt("open", place) { try FileSystem.openFile(component, in: directory) }
        defer { try? file.close() }
        let status = try FileSystem.status(of: file)
        guard status.type == .regular else { throw changed(place) }
        let segments = try attempt("lseek", place) { try TreeArchiver.segments(of: file, size: status.size) }
        try begin(place, .file(size: status.size, segments: segments), status, attributes: attributes(of: place, .file))
        for segment in segments ?? [TarEntry.Segment(offset: 0, length: status.size)] {
            try writeSegment(segment, of: file, place)
        }
    }

    private func writeSegment(_ segment: TarEntry.Segment, of file: FileDescriptor, _ place: Place) throws {
        var offset = segment.offset
        let end = segment.offset + segment.length
        while offset < end {
            let space = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(end - offset))])
            let count = try attempt("read", place) { try file.read(fromAbsoluteOffset: offset, into: space) }
            guard count > 0 else { throw changed(place) }
            try writer.write(UnsafeRawBufferPointer(rebasing: space[..<count]))
            offset += Int64(count)
        }
    }

    /// The parts of a file that hold data, at whole blocks of the archive; nil for a file without holes.
    private static func segments(of file: FileDescriptor, size: Int64) throws -> [TarEntry.Segment]? {
        // Corresponds to SEEK_DATA and SEEK_HOLE (lseek(2)); a file system that knows no holes says so.
        let (seekData, seekHole): (CInt, CInt) = (3, 4)
        let firstHole = Int64(lseek(file.rawValue, 0, seekHole))
        guard firstHole >= 0, firstHole < size else { return nil }
        var segments: [TarEntry.Segment] = []
        var offset: Int64 = 0
        while offset < size {
            let data = Int64(lseek(file.rawValue, off_t(offset), seekData))
            if data < 0 {
                // No more data.
                guard lastErrno == .noSuchAddressOrDevice else { throw lastErrno }
                break
            }
            let hole = Int64(lseek(file.rawValue, off_t(data), seekHole))
            guard hole >= 0 else { throw lastErrno }
            let start = data / 512 * 512
            let end = min(size, (hole + 511) / 512 * 512)
            if let last = segments.last, last.offset + last.length >= start {
                segments[segments.count - 1].length = end - last.offset
            } else {
                segments.append(TarEntry.Segment(offset: start, length: end - start))
            }
            offset = max(end, hole)
        }
        return segments
    }

    // MARK: - Entries

    private func begin(
        _ place: Place, _ kind: TarEntry.Kind, _ status: FileStatus,
        attributes: [(name: String, value: [UInt8])] = []
    ) throws {
        try writer.begin(
            TarEntry(
                place.name, kind, mode: status.mode, uid: owner?.uid ?? status.uid, gid: owner?.gid ?? status.gid,
                modification: min(latestTime, status.modificationTime), attributes: attributes))
    }

    /// Those attributes that rendering restores.
    private func attributes(
        of place: Place, _ kind: ArchiveEntry.Kind
    ) throws -> [(name: String, value: [UInt8])] {
        try ExtendedAttributes.names(place.path)
            .filter { ExtendedAttributePolicy.restores($0, on: kind) }.sorted().compactMap { name in
                try ExtendedAttributes.value(name, of: place.path).map { (name, $0) }
            }
    }

    private static func bytes(of component: FilePath.Component) -> [UInt8] {
        component.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }

    private func changed(_ place: Place) -> RuntimeError {
        RuntimeError(.invalidState, "\(place.path) changed while it was read; build the image again")
    }

    /// Names the path in the error of a bare system call.
    private func attempt<Value>(_ call: String, _ place: Place, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as Errno {
            throw RuntimeError.systemCall(call, place.path, error)
        }
    }
}
