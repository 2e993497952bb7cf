// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

// These stand in for the types of swift-crypto, which would be most of what has to be compiled here. The sums are mere
// checksums: what is looked for is how archives are read, not how they are hashed.

package typealias SHA512Digest = [UInt8]

package struct SHA512 {
    private var checksum = Checksum()

    package init() {}

    package mutating func update(bufferPointer: UnsafeRawBufferPointer) { checksum.update(bufferPointer) }

    /// 64 bytes, as many as the real one has.
    package func finalize() -> SHA512Digest { checksum.bytes(64) }
}

package struct SHA256 {
    private var checksum = Checksum()

    package init() {}

    package mutating func update(bufferPointer: UnsafeRawBufferPointer) { checksum.update(bufferPointer) }

    /// 32 bytes, as many as the real one has.
    package func finalize() -> [UInt8] { checksum.bytes(32) }
}

/// FNV-1a.
private struct Checksum {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: state >> (UInt64($0 % 8) * 8)) }
    }
}
