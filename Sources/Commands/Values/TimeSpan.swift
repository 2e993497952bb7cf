// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A length of time as Go writes it: `0`, `90s`, `1h30m`, `1.5h`, `250ms`; never negative.
package struct TimeSpan: ExpressibleByArgument, Equatable, Sendable, CustomStringConvertible {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func minutes(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count * 60_000_000_000) }
    package static func hours(_ count: Int64) -> TimeSpan { minutes(count * 60) }

    /// Rounded up, so that a short wait is not none.
    package var milliseconds: Int { Int((nanoseconds / 1_000_000) + (nanoseconds % 1_000_000 == 0 ? 0 : 1)) }

    /// Nil for what is no length of time, is negative, or does not fit (292 years).
    package init?(argument: String) {
        var rest = argument.utf8[...]
        if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        if rest.elementsEqual("0".utf8) {
            nanoseconds = 0
            return
        }
        var total: Int64 = 0
        while !rest.isEmpty {
            guard let part = TimeSpan.takePart(&rest) else { return nil }
            let sum = total.addingReportingOverflow(part)
            guard !sum.overflow else { return nil }
            total = sum.partialValue
        }
        nanoseconds = total
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Takes a number and its unit.
    private static func takePart(_ text: inout Substring.UTF8View) -> Int64? {
        let isDigit: (UInt8) -> Bool = { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let whole = text.prefix(while: isDigit)
        text = text[whole.endIndex...]
        var fraction = whole[whole.endIndex...]
        if text.first == UInt8(ascii: ".") {
            fraction = text.dropFirst().prefix(while: isDigit)
            text = text[fraction.endIndex...]
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        let name = text.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
        text = text[name.endIndex...]
        guard let unit = units.first(where: { name.elementsEqual($0.name.utf8) })?.nanoseconds,
            let count = whole.isEmpty ? 0 : Int64(Substring(whole))
        else { return nil }
        var total = count.multipliedReportingOverflow(by: unit)
        guard !total.overflow else { return nil }
        var scale = unit
        for digit in fraction {
            scale /= 10
            total = total.partialValue.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")) * scale)
            guard !total.overflow else { return nil }
        }
        return total.partialValue
    }

    /// As Go prints it: `24h0m0s`, `1m30s`, `0s`; below a second in decimals of it.
    package var description: String {
        let seconds = nanoseconds / 1_000_000_000
        var text = ""
        if seconds >= 3600 { text += "\(seconds / 3600)h" }
        if seconds >= 60 { text += "\(seconds / 60 % 60)m" }
        text += "\(seconds % 60)"
        let rest = nanoseconds % 1_000_000_000
        if rest != 0 {
            var digits = String(rest)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "s"
    }
}

/// How long to wait: `--wait`, `--wait=true`, `--wait=false`, `--wait=10s`.
package enum WaitTime: ExpressibleByArgument, ImpliedValue, Equatable, Sendable, CustomStringConvertible {
    case never
    case forever
    case limited(TimeSpan)

    package static let impliedValue = "true"

    package init?(argument: String) {
        // "0" is a length of time and not a word for false: waiting for no time asks once.
        if let span = TimeSpan(argument: argument) {
            self = .limited(span)
        } else if let isOn = Toggle.meaning(of: argument) {
            self = isOn ? .forever : .never
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .never: "false"
        case .forever: "true"
        case .limited(let span): span.description
        }
    }

    /// Milliseconds to wait at most; nil is without end.
    package var timeout: Int? {
        if case .limited(let span) = self { span.milliseconds } else { nil }
    }
}
