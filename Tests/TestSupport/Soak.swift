// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whether tests that search take their time: `make soak` asks for that, and a sample serves otherwise.
package enum Soak {
    package static let isOn: Bool =
        getenv("RKT_SOAK").map { !["", "0", "false"].contains(String(cString: $0)) } ?? false

    /// The first value for long sweeps, the second for samples.
    package static func choose<Value>(_ sweep: Value, sample: Value) -> Value { isOn ? sweep : sample }
}

/// Random numbers that come out the same again for the same seed (splitmix64 of Steele, Lea and Flood).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// A seed to begin a test with: RKT_TEST_SEED, or a new one. It is printed, so that a failed test can be repeated.
    package static func printedSeed(for test: String) -> UInt64 {
        let named = getenv("RKT_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
        let seed = named ?? UInt64.random(in: 0 ... .max)
        print("\(test): RKT_TEST_SEED=\(seed)")
        return seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
