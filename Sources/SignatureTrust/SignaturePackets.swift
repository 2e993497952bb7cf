// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The OpenPGP packets of a detached signature (RFC 4880), taken out of their armour.
///
/// gpg takes messages of any kind where it expects a signature, and verifies what is in them: it must get nothing but
/// signatures, in a form that is read in one way only.
enum SignaturePackets {
    /// The packets among some bytes; nil when there is anything else than signatures.
    static func read(_ bytes: [UInt8]) -> [UInt8]? {
        guard let first = bytes.first(where: { !isSpace($0) }) else { return nil }
        // The first bit of a packet is set, and no character of armour has it.
        let packets = first & 0x80 != 0 ? bytes : dearmoured(bytes)
        guard let packets, holdsSignaturesOnly(packets) else { return nil }
        return packets
    }

    // MARK: - Armour (section 6)

    private static func dearmoured(_ bytes: [UInt8]) -> [UInt8]? {
        let text = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
            let end = line.lastIndex { !isSpace($0) }
            return String(decoding: line[..<(end.map { $0 + 1 } ?? line.startIndex)], as: UTF8.self)
        }
        var lines = text.drop { $0.isEmpty }
        guard lines.popFirst() == "-----BEGIN PGP SIGNATURE-----" else { return nil }
        // Headers such as `Version`, up to an empty line; without one there are none.
        if let end = lines.firstIndex(of: ""), lines[..<end].allSatisfy({ $0.contains(": ") }) {
            lines = lines[(end + 1)...]
        }
        guard let end = lines.firstIndex(of: "-----END PGP SIGNATURE-----"),
            lines[(end + 1)...].allSatisfy(\.isEmpty)
        else { return nil }
        var body = lines[..<end]
        while body.last?.isEmpty == true { body.removeLast() }
        // The checksum finds accidents, which make the signature bad anyway.
        if body.last?.hasPrefix("=") == true { body.removeLast() }
        return decode(body.joined().utf8)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var values = [UInt8?](repeating: nil, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        var result: [UInt8] = []
        var rest: UInt32 = 0
        var bits = 0
        var padding = 0
        for character in text {
            if character == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = values[Int(character)] else { return nil }
            rest = rest << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            result.append(UInt8(truncatingIfNeeded: rest >> UInt32(bits)))
        }
        return padding <= 2 ? result : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    // MARK: - Packets (section 4)

    private static let signatureTag: UInt8 = 2
    /// More signatures than these are not looked at.
    private static let countLimit = 32

    private static func holdsSignaturesOnly(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        var count = 0
        while let header = rest.popFirst() {
            guard header & 0x80 != 0, count < countLimit else { return false }
            let isNew = header & 0x40 != 0
            let tag = isNew ? header & 0x3f : header >> 2 & 0x0f
            guard tag == signatureTag,
                let length = isNew ? newLength(&rest) : number(&rest, bytes: [1, 2, 4, 0][Int(header & 3)]),
                length > 0, length <= rest.count
            else { return false }
            rest = rest.dropFirst(length)
            count += 1
        }
        return count > 0
    }

    /// Packets in parts and those without a length are for data, not for signatures.
    private static func newLength(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard let first = rest.popFirst() else { return nil }
        switch first {
        case 0..<192: return Int(first)
        case 192..<224: return rest.popFirst().map { (Int(first) - 192) << 8 + Int($0) + 192 }
        case 255: return number(&rest, bytes: 4)
        default: return nil
        }
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, bytes count: Int) -> Int? {
        guard count > 0, rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }
}
