// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Builds tar archives in memory, valid ones and ones no tool would make.
package struct TarFixture {
    package enum Kind: UInt8 {
        case file = 0x30
        case hardLink, symbolicLink, characterDevice, blockDevice, directory, fifo
    }

    private var records: [UInt8] = []

    package init() {}

    /// An image with a manifest, a `rootfs` directory and what is added later.
    package static func image(_ manifest: String = TarFixture.manifest()) -> TarFixture {
        var tar = TarFixture()
        tar.add("manifest", manifest)
        tar.add("rootfs", .directory, mode: 0o755)
        return tar
    }

    /// A minimal manifest.
    ///
    /// - Parameter extra: more members, each beginning with a comma.
    package static func manifest(name: String = "example.com/image", version: String = "1.0.0", extra: String = "")
        -> String
    {
        """
        {"acKind":"ImageManifest","acVersion":"0.8.11","name":"\(name)",\
        "labels":[{"name":"version","value":"\(version)"}]\(extra)}
        """
    }

    /// Adds a regular file.
    package mutating func add(_ name: String, _ contents: String, mode: Int = 0o644) {
        add(Array(name.utf8), .file, mode: mode, contents: Array(contents.utf8))
    }

    /// Adds an entry of any kind.
    package mutating func add(
        _ name: String, _ kind: Kind, link: String = "", mode: Int = 0o755, uid: Int = 0, gid: Int = 0,
        time: Int = 1_000_000_000, device: (Int, Int) = (0, 0), attributes: [(String, String)] = []
    ) {
        add(
            Array(name.utf8), kind, link: link, mode: mode, uid: uid, gid: gid, time: time, device: device,
            attributes: attributes)
    }

    /// Adds an entry whose name need not be text.
    package mutating func add(
        _ name: [UInt8], _ kind: Kind, link: String = "", mode: Int = 0o644, uid: Int = 0, gid: Int = 0,
        time: Int = 1_000_000_000, device: (Int, Int) = (0, 0), contents: [UInt8] = [],
        attributes: [(String, String)] = []
    ) {
        var extensions: [UInt8] = []
        for (key, value) in attributes { extensions += TarFixture.extended("SCHILY.xattr.\(key)", Array(value.utf8)) }
        if name.count > 100 { extensions += TarFixture.extended("path", name) }
        if link.utf8.count > 100 { extensions += TarFixture.extended("linkpath", Array(link.utf8)) }
        if !extensions.isEmpty {
            records += TarFixture.header(Array("extended".utf8), 0x78, size: extensions.count)
            records += TarFixture.padded(extensions)
        }
        records += TarFixture.header(
            name, kind.rawValue, size: contents.count, link: Array(link.utf8), mode: mode, uid: uid, gid: gid,
            time: time,
            device: device)
        records += TarFixture.padded(contents)
    }

    /// Adds a header and what follows it just as they are given.
    ///
    /// - Parameters:
    ///   - size: what the header says.
    ///   - change: may put anything into the header, whose sum is computed afterwards.
    package mutating func add(
        block name: String, type: Character, size: Int, body: [UInt8] = [],
        _ change: (inout [UInt8]) -> Void = { _ in }
    ) {
        var block = TarFixture.header(Array(name.utf8), type.asciiValue ?? 0, size: size)
        change(&block)
        TarFixture.seal(&block)
        records += block + TarFixture.padded(body)
    }

    /// Adds a header of pax records for the entry that follows, or with the type `g` for all that follow.
    package mutating func add(records: [(String, String)], type: Character = "x") {
        let body = records.flatMap { TarFixture.extended($0.0, Array($0.1.utf8)) }
        add(block: "records", type: type, size: body.count, body: body)
    }

    /// The archive without the mark at its end.
    package var withoutEnd: [UInt8] { records }

    /// The archive.
    ///
    /// - Parameter padding: zero bytes after the end-of-archive mark.
    package func bytes(padding: Int = 0) -> [UInt8] { records + [UInt8](repeating: 0, count: 1024 + padding) }

    private static func header(
        _ name: [UInt8], _ type: UInt8, size: Int, link: [UInt8] = [], mode: Int = 0o644, uid: Int = 0, gid: Int = 0,
        time: Int = 0, device: (Int, Int) = (0, 0)
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int, limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, _ width: Int) -> [UInt8] {
            let digits = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits).utf8)
        }
        put(name, at: 0, limit: 100)
        put(octal(mode, 7), at: 100, limit: 7)
        put(octal(uid, 7), at: 108, limit: 7)
        put(octal(gid, 7), at: 116, limit: 7)
        put(octal(size, 11), at: 124, limit: 11)
        put(octal(time, 11), at: 136, limit: 11)
        block[156] = type
        put(link, at: 157, limit: 100)
        put("ustar\u{0}00".utf8, at: 257, limit: 8)
        put(octal(device.0, 7), at: 329, limit: 7)
        put(octal(device.1, 7), at: 337, limit: 7)
        seal(&block)
        return block
    }

    /// Puts the sum of a header into it.
    private static func seal(_ block: inout [UInt8]) {
        block.replaceSubrange(148..<156, with: "        ".utf8)
        let digits = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        block.replaceSubrange(148..<156, with: Array(text.utf8) + [0, 0x20])
    }

    /// One record of a pax header: its length counts itself.
    private static func extended(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [0x0a]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length = String(length).utf8.count + rest.count }
        return Array(String(length).utf8) + rest
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }
}
