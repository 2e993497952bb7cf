// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Watches keys for Ctrl-A x, which ends a virtual machine's pod; Ctrl-A twice stands for one Ctrl-A.
struct EscapeSequence {
    private static let control: UInt8 = 1
    private var sawControl = false

    /// - Returns: the bytes meant for the app, and whether the pod is to end.
    mutating func filter(_ bytes: [UInt8]) -> (passed: [UInt8], escaped: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            if sawControl {
                sawControl = false
                if byte == UInt8(ascii: "x") { return (passed, true) }
                if byte != Self.control { passed.append(Self.control) }
                passed.append(byte)
            } else if byte == Self.control {
                sawControl = true
            } else {
                passed.append(byte)
            }
        }
        return (passed, false)
    }
}
