// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One entry to write into a tar archive.
package struct TarEntry: Sendable {
    /// A part of a sparse file that holds data.
    package struct Segment: Sendable, Equatable {
        package var offset: Int64
        package var length: Int64

        package init(offset: Int64, length: Int64) {
            self.offset = offset
            self.length = length
        }
    }

    package enum Kind: Sendable {
        /// With segments only their bytes follow, in order; all else in the file is holes. Segments begin at multiples
        /// of 512 and have such lengths, except that the last may end anywhere.
        case file(size: Int64, segments: [Segment]? = nil)
        case directory
        case symbolicLink([UInt8])
        case hardLink([UInt8])
        case fifo
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
    }

    /// Any bytes but NUL, without a slash at either end.
    package var path: [UInt8]
    package var kind: Kind
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// Nanoseconds since 1970.
    package var modification: Int64
    package var attributes: [(name: String, value: [UInt8])]

    package init(
        _ path: [UInt8], _ kind: Kind, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, modification: Int64 = 0,
        attributes: [(name: String, value: [UInt8])] = []
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.modification = modification
        self.attributes = attributes
    }

    /// Bytes of data that follow the header, without the map of a sparse file.
    var storedSize: Int64 {
        guard case .file(let size, let segments) = kind else { return 0 }
        return segments.map { $0.reduce(0) { $0 + $1.length } } ?? size
    }

    /// The map of a sparse file, as it precedes the data in version 1.0 of GNU's format.
    var sparseMap: [UInt8] {
        guard case .file(let size, var segments?) = kind else { return [] }
        // GNU tar takes the end of the map for the end of the file.
        segments.append(Segment(offset: size, length: 0))
        var map = Array("\(segments.count)\n".utf8)
        for segment in segments { map += Array("\(segment.offset)\n\(segment.length)\n".utf8) }
        return map + [UInt8](repeating: 0, count: TarEntry.padding(Int64(map.count)))
    }

    /// Zero bytes that fill the last block of data.
    static func padding(_ size: Int64) -> Int { Int((512 - size % 512) % 512) }

    // MARK: - Header

    private static let nameWidth = 100

    private var nameField: [UInt8] {
        if case .directory = kind { path + [UInt8(ascii: "/")] } else { path }
    }

    private var link: [UInt8] {
        switch kind {
        case .symbolicLink(let target), .hardLink(let target): target
        default: []
        }
    }

    private var type: UInt8 {
        switch kind {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }

    private var device: (major: UInt32, minor: UInt32) {
        switch kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor): (major, minor)
        default: (0, 0)
        }
    }

    private var seconds: Int64 { (modification - nanoseconds) / 1_000_000_000 }
    private var nanoseconds: Int64 {
        let rest = modification % 1_000_000_000
        return rest < 0 ? rest + 1_000_000_000 : rest
    }

    /// - Parameter size: bytes that follow, the map of a sparse file included.
    func header(size: Int64) -> [UInt8] {
        var block = HeaderBlock(type: type, size: size)
        block.put(nameField, at: 0, width: TarEntry.nameWidth)
        block.put(UInt64(mode), at: 100, width: 8)
        block.put(UInt64(uid), at: 108, width: 8)
        block.put(UInt64(gid), at: 116, width: 8)
        block.put(UInt64(clamping: seconds), at: 136, width: 12)
        block.put(link, at: 157, width: TarEntry.nameWidth)
        block.put(UInt64(device.major), at: 329, width: 8)
        block.put(UInt64(device.minor), at: 337, width: 8)
        return block.sealed()
    }

    /// The header that precedes extended records.
    static func header(ofRecords size: Int) -> [UInt8] {
        var block = HeaderBlock(type: UInt8(ascii: "x"), size: Int64(size))
        block.put(Array("PaxHeaders/entry".utf8), at: 0, width: nameWidth)
        block.put(0o644, at: 100, width: 8)
        return block.sealed()
    }

    // MARK: - Extended records

    /// Records for everything that the header cannot hold; empty when it holds everything.
    func records(size: Int64) -> [UInt8] {
        var records: [UInt8] = []
        func add(_ key: String, _ value: [UInt8]) { records += TarEntry.record(key, value) }
        func add(_ key: String, _ value: String) { add(key, Array(value.utf8)) }
        var isSparse = false
        if case .file(let realSize, .some) = kind {
            isSparse = true
            add("GNU.sparse.major", "1")
            add("GNU.sparse.minor", "0")
            add("GNU.sparse.name", path)
            add("GNU.sparse.realsize", String(realSize))
        }
        let longName = nameField.count > TarEntry.nameWidth && !isSparse
        let longLink = link.count > TarEntry.nameWidth
        if [path, link].contains(where: { String(validating: $0, as: UTF8.self) == nil }) {
            add("hdrcharset", "BINARY")
        }
        if longName { add("path", nameField) }
        if longLink { add("linkpath", link) }
        if !HeaderBlock.fits(UInt64(size), width: 12) { add("size", String(size)) }
        if !HeaderBlock.fits(UInt64(uid), width: 8) { add("uid", String(uid)) }
        if !HeaderBlock.fits(UInt64(gid), width: 8) { add("gid", String(gid)) }
        if nanoseconds != 0 || seconds < 0 || !HeaderBlock.fits(UInt64(clamping: seconds), width: 12) {
            add("mtime", timeText)
        }
        if !HeaderBlock.fits(UInt64(max(device.major, device.minor)), width: 8) {
            add("SCHILY.devmajor", String(device.major))
            add("SCHILY.devminor", String(device.minor))
        }
        for (name, value) in attributes.sorted(by: { $0.name < $1.name }) { add("SCHILY.xattr.\(name)", value) }
        return records
    }

    /// Seconds with a fraction; without one before 1970, where libarchive 3.6 reads it with the wrong sign.
    private var timeText: String {
        let digits = String(nanoseconds + 1_000_000_000).dropFirst()
        return String(seconds) + (nanoseconds == 0 || seconds < 0 ? "" : ".\(digits)")
    }

    /// One record: its length, which counts itself, key and value.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = key.utf8.count + value.count + 3
        var length = rest + 1
        while String(length).utf8.count + rest != length { length = String(length).utf8.count + rest }
        return Array("\(length) \(key)=".utf8) + value + [UInt8(ascii: "\n")]
    }
}

/// The 512 bytes before an entry's data.
private struct HeaderBlock {
    private var bytes = [UInt8](repeating: 0, count: 512)

    init(type: UInt8, size: Int64) {
        put(UInt64(size), at: 124, width: 12)
        put(0, at: 136, width: 12)
        put(0, at: 108, width: 8)
        put(0, at: 116, width: 8)
        bytes[156] = type
        put(Array("ustar\u{0}00".utf8), at: 257, width: 8)
        put(0, at: 329, width: 8)
        put(0, at: 337, width: 8)
    }

    /// Whether a number has a place in a field, which ends with a NUL.
    static func fits(_ number: UInt64, width: Int) -> Bool { number >> (3 * UInt64(width - 1)) == 0 }

    mutating func put(_ text: [UInt8], at offset: Int, width: Int) {
        for (index, byte) in text.prefix(width).enumerated() { bytes[offset + index] = byte }
    }

    /// Octal digits; zero when there are too many, and then a record holds the number.
    mutating func put(_ number: UInt64, at offset: Int, width: Int) {
        let digits = String(HeaderBlock.fits(number, width: width) ? number : 0, radix: 8)
        put(
            Array((String(repeating: "0", count: width - 1 - digits.utf8.count) + digits).utf8), at: offset,
            width: width)
        bytes[offset + width - 1] = 0
    }

    /// The block with its sum.
    func sealed() -> [UInt8] {
        var copy = self
        copy.put(Array("        ".utf8), at: 148, width: 8)
        let sum = copy.bytes.reduce(0) { $0 + Int($1) }
        copy.put(UInt64(sum), at: 148, width: 7)
        copy.bytes[155] = 0x20
        return copy.bytes
    }
}
