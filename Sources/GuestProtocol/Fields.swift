// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a message: fixed-width little-endian integers, and strings and lists after their length.
package struct FieldWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
        for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func write(_ value: String) { write(Array(value.utf8)) }

    package mutating func write(_ value: [UInt8]) {
        write(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func write<Element>(list: [Element], _ element: (inout FieldWriter, Element) -> Void) {
        write(UInt32(list.count))
        for item in list { element(&self, item) }
    }
}

/// Reads what `FieldWriter` wrote; every length is checked against the bytes that are there.
package struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    private mutating func readInteger<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(ProtocolError) -> Integer
    {
        let width = Integer.bitWidth / 8
        guard bytes.endIndex - index >= width else { throw .malformed("a number is cut off") }
        var value: Integer = 0
        for position in 0..<width { value |= Integer(truncatingIfNeeded: bytes[index + position]) << (position * 8) }
        index += width
        return value
    }

    package mutating func readUInt8() throws(ProtocolError) -> UInt8 { try readInteger(UInt8.self) }
    package mutating func readUInt16() throws(ProtocolError) -> UInt16 { try readInteger(UInt16.self) }
    package mutating func readUInt32() throws(ProtocolError) -> UInt32 { try readInteger(UInt32.self) }
    package mutating func readUInt64() throws(ProtocolError) -> UInt64 { try readInteger(UInt64.self) }
    package mutating func readInt32() throws(ProtocolError) -> Int32 { try readInteger(Int32.self) }

    package mutating func readBool() throws(ProtocolError) -> Bool {
        switch try readInteger(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .malformed("a flag is neither 0 nor 1")
        }
    }

    package mutating func readBytes() throws(ProtocolError) -> [UInt8] {
        let count = Int(try readUInt32())
        guard bytes.endIndex - index >= count else { throw .malformed("a string is cut off") }
        defer { index += count }
        return Array(bytes[index..<index + count])
    }

    package mutating func readString() throws(ProtocolError) -> String {
        guard let string = String(validating: try readBytes(), as: UTF8.self) else {
            throw .malformed("a string is not UTF-8")
        }
        return string
    }

    /// - Parameter limit: most elements that the list may have.
    package mutating func readList<Element>(
        limit: Int = .max, _ element: (inout FieldReader) throws(ProtocolError) -> Element
    ) throws(ProtocolError) -> [Element] {
        let count = Int(try readUInt32())
        // Every element takes at least one byte.
        guard count <= bytes.endIndex - index else { throw .malformed("a list is cut off") }
        guard count <= limit else { throw .malformed("a list has \(count) elements, more than \(limit)") }
        var list: [Element] = []
        for _ in 0..<count { list.append(try element(&self)) }
        return list
    }

    /// Ends the reading of a message.
    package func finish() throws(ProtocolError) {
        guard index == bytes.endIndex else { throw .malformed("\(bytes.endIndex - index) bytes after the last field") }
    }
}
