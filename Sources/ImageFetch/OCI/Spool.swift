// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage

/// A file without a name that keeps bytes until they have found their place.
final class Spool {
    /// A part of the spool.
    struct Region: Sendable {
        var offset: Int64
        var length: Int64

        var range: Range<Int64> { offset..<(offset + length) }
    }

    let file: FileDescriptor
    private let directory: FilePath
    private(set) var size: Int64 = 0

    /// - Parameter directory: has room for everything that is kept.
    init(in directory: FilePath) throws {
        self.directory = directory
        file = try FileSystem.openAnonymous(in: directory)
    }

    deinit { try? file.close() }

    /// Keeps bytes behind those that are there.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            do {
                let count = try file.write(toAbsoluteOffset: size, rest)
                size += Int64(count)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            } catch let error as Errno {
                let remedy = error == .noSpace ? "; free some space and try again" : ""
                let code = RuntimeError.systemCall("write", nil, error).code
                throw RuntimeError(code, "cannot keep the files of layers in \(directory): \(error.text)\(remedy)")
            }
        }
    }

    /// Hands out the bytes of a region, block by block.
    func read(_ region: Region, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { buffer.deallocate() }
        var offset = region.offset
        let end = region.offset + region.length
        while offset < end {
            let room = Int(min(Int64(buffer.count), end - offset))
            let block = UnsafeMutableRawBufferPointer(rebasing: buffer[..<room])
            let count: Int
            do {
                count = try file.read(fromAbsoluteOffset: offset, into: block)
            } catch let error as Errno {
                throw RuntimeError.systemCall("read", directory, error)
            }
            guard count > 0 else { throw RuntimeError(.internal, "kept files of layers in \(directory) are cut short") }
            try body(UnsafeRawBufferPointer(rebasing: block[..<count]))
            offset += Int64(count)
        }
    }
}

/// The contents of one file on their way into a spool, without its holes.
///
/// Parts begin and end at blocks of 512 bytes, as GNU tar wants sparse files.
struct SpooledFile {
    let spool: Spool
    private(set) var segments: [TarEntry.Segment] = []
    private(set) var region: Spool.Region
    private static let blockSize: Int64 = 512

    init(spool: Spool) {
        self.spool = spool
        region = Spool.Region(offset: spool.size, length: 0)
    }

    /// Where the last part ends.
    var end: Int64 { segments.last.map { $0.offset + $0.length } ?? 0 }

    /// Adds data at or behind the end.
    ///
    /// - Returns: whether they are a part of their own behind a hole.
    mutating func append(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws -> Bool {
        let start = offset / SpooledFile.blockSize * SpooledFile.blockSize
        let isNew = start > SpooledFile.roundedUp(end)
        if isNew { try fill(to: SpooledFile.roundedUp(end)) }
        if isNew || segments.isEmpty {
            segments.append(TarEntry.Segment(offset: isNew ? start : 0, length: 0))
        }
        try fill(to: offset)
        try add(bytes)
        return isNew
    }

    /// Ends the file, which may have a hole at its end.
    mutating func finish(size: Int64) throws {
        if !segments.isEmpty { try fill(to: min(SpooledFile.roundedUp(end), size)) }
    }

    private static func roundedUp(_ offset: Int64) -> Int64 { (offset + blockSize - 1) / blockSize * blockSize }

    /// Adds zero bytes, less than two blocks of them, up to an offset.
    private mutating func fill(to offset: Int64) throws {
        guard !segments.isEmpty, offset > end else { return }
        let zeros = [UInt8](repeating: 0, count: Int(offset - end))
        try zeros.withUnsafeBytes { try add($0) }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) throws {
        try spool.append(bytes)
        segments[segments.count - 1].length += Int64(bytes.count)
        region.length += Int64(bytes.count)
    }
}
