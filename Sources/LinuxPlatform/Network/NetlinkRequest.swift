// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A message to the kernel (netlink(7)): a header, a fixed part, and attributes.
struct NetlinkRequest {
    /// Length of `struct nlmsghdr`.
    static let headerLength = 16

    let type: UInt16
    let flags: UInt16
    private(set) var body: [UInt8] = []

    /// - Parameter fixed: fields of the message's own structure.
    init(_ type: UInt16, flags: UInt16 = 0, fixed: NetlinkBytes) {
        self.type = type
        self.flags = flags
        body = fixed.bytes
    }

    mutating func add(_ attribute: UInt16, _ value: [UInt8]) {
        var bytes = NetlinkBytes()
        bytes.append(UInt16(4 + value.count))
        bytes.append(attribute)
        body += bytes.bytes + value
        while body.count % 4 != 0 { body.append(0) }
    }

    mutating func add(_ attribute: UInt16, _ value: some FixedWidthInteger) {
        var bytes = NetlinkBytes()
        bytes.append(value)
        add(attribute, bytes.bytes)
    }

    mutating func add(_ attribute: UInt16, _ text: String) { add(attribute, Array(text.utf8) + [0]) }

    mutating func add(_ attribute: UInt16, nested content: (inout NetlinkRequest) -> Void) {
        var inner = NetlinkRequest(0, fixed: NetlinkBytes())
        content(&inner)
        add(attribute, inner.body)
    }

    /// - Parameter more: flags that the kind of exchange adds.
    func encoded(sequence: UInt32, flags more: UInt16) -> [UInt8] {
        var header = NetlinkBytes()
        header.append(UInt32(NetlinkRequest.headerLength + body.count))
        header.append(type)
        header.append(flags | more)
        header.append(sequence)
        header.append(UInt32(0))
        return header.bytes + body
    }
}

/// Numbers in the order of this machine's bytes.
struct NetlinkBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    /// The number that begins at an offset, or nil where the bytes end before it does.
    static func read<Integer: FixedWidthInteger>(
        _ type: Integer.Type, _ bytes: ArraySlice<UInt8>, at offset: Int = 0
    ) -> Integer? {
        guard offset >= 0, bytes.count - offset >= MemoryLayout<Integer>.size else { return nil }
        var value: Integer = 0
        withUnsafeMutableBytes(of: &value) { target in
            for index in target.indices { target[index] = bytes[bytes.startIndex + offset + index] }
        }
        return value
    }
}

/// The attributes of a message from the kernel. Of several with one number the first counts.
struct NetlinkAttributes {
    private var values: [UInt16: ArraySlice<UInt8>] = [:]

    /// Reads up to the first that is cut off.
    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let length = NetlinkBytes.read(UInt16.self, rest), length >= 4, Int(length) <= rest.count,
            let type = NetlinkBytes.read(UInt16.self, rest, at: 2)
        {
            // The two highest bits tell that attributes are inside, or how numbers are ordered.
            let number = type & 0x3fff
            if values[number] == nil { values[number] = rest.dropFirst(4).prefix(Int(length) - 4) }
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
    }

    subscript(_ type: UInt16) -> ArraySlice<UInt8>? { values[type] }

    func uint32(_ type: UInt16) -> UInt32? { values[type].flatMap { NetlinkBytes.read(UInt32.self, $0) } }

    func text(_ type: UInt16) -> String? {
        values[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func address(_ type: UInt16) -> IPAddress? { values[type].flatMap { IPAddress(bytes: $0) } }

    func nested(_ type: UInt16) -> NetlinkAttributes? { values[type].map { NetlinkAttributes($0) } }
}
