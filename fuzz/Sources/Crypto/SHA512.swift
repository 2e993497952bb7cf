// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Stands in for the type of swift-crypto, which would be most of what has to be compiled here.
///
/// The sum is a mere checksum: what is looked for is how archives are read, not how they are hashed.
package struct SHA512 {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func update(bufferPointer: UnsafeRawBufferPointer) {
        for byte in bufferPointer { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// 64 bytes, as many as the real one has.
    package func finalize() -> [UInt8] {
        (0..<64).map { UInt8(truncatingIfNeeded: state >> (UInt64($0 % 8) * 8)) }
    }
}
