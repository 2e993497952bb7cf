// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Watches keys for those that end a pod.
package struct EscapeSequence {
    package enum Keys: Sendable {
        /// Ctrl-A x; Ctrl-A twice stands for one Ctrl-A. As in QEMU's own terminal.
        case controlA
        /// Ctrl-] three times within a second, as in systemd-nspawn(1); the app sees them, too.
        case controlBracket
    }

    private static let control: UInt8 = 1
    private static let bracket: UInt8 = 0x1D
    private static let presses = 3
    /// Milliseconds in which all presses have to come.
    private static let patience = 1000

    private let keys: Keys
    private var sawControl = false
    /// When Ctrl-] was pressed, in milliseconds.
    private var pressed: [Int] = []

    package init(_ keys: Keys) { self.keys = keys }

    /// - Parameter now: the time on the scale of `Clock.milliseconds`.
    /// - Returns: the bytes meant for the app, and whether the pod is to end.
    package mutating func filter(_ bytes: [UInt8], at now: Int) -> (passed: [UInt8], escaped: Bool) {
        switch keys {
        case .controlA: filterControlA(bytes)
        case .controlBracket: (bytes, countBrackets(bytes, now))
        }
    }

    private mutating func filterControlA(_ bytes: [UInt8]) -> (passed: [UInt8], escaped: Bool) {
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

    private mutating func countBrackets(_ bytes: [UInt8], _ now: Int) -> Bool {
        for byte in bytes {
            guard byte == Self.bracket else {
                pressed = []
                continue
            }
            pressed = pressed.filter { now - $0 < Self.patience } + [now]
            if pressed.count == Self.presses { return true }
        }
        return false
    }
}
