// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// An exact amount of a resource, such as `512Mi` or `250m`, counted in billionths.
///
/// Whatever is finer than a billionth is rounded away from zero.
package struct Quantity: Hashable, Sendable, CustomStringConvertible {
    /// How an amount was written, kept by ``description``.
    enum Notation: Hashable, Sendable { case decimal, binary, exponent }

    /// The amount times 10⁹, within ±(2⁶³−1)·10⁹.
    let billionths: Int128
    let notation: Notation

    private static let unit: Int128 = 1_000_000_000
    private static let largest = Int128(Int64.max) * unit

    /// A whole amount in base units; it prints with binary suffixes when these are exact.
    package init(_ value: Int64) {
        billionths = Int128(value) * Quantity.unit
        notation = .binary
    }

    /// A whole amount of thousandths, as of CPU time.
    package init(milli: Int64) {
        billionths = Int128(milli) * (Quantity.unit / 1000)
        notation = .decimal
    }

    /// Reads `[+-]digits[.digits][suffix]` without blanks; suffixes are `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei` and
    /// exponents such as `e3`. Binary amounts are capped at 2⁶³−1, larger decimal ones refused.
    package init(parsing text: String) throws(ScalarError) {
        var rest = text.utf8[...]
        let sign = rest.first.flatMap { "+-".utf8.contains($0) ? $0 : nil }
        if sign != nil { rest.removeFirst() }
        var whole = rest.prefix(while: ASCII.isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: ASCII.isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard whole.count + fraction.count > 0 else { throw Quantity.malformed(text) }
        guard let scale = QuantityScale(suffix: Substring(rest)) else {
            let hint = rest.elementsEqual("K".utf8) ? ": write k for 1000 or Ki for 1024" : ""
            throw Quantity.malformed(text, hint)
        }
        // 38 digits always fit 128 bits; zeros in front do not count.
        whole = whole.drop { $0 == UInt8(ascii: "0") }
        guard whole.count + fraction.count <= 38 else { throw ScalarError(text, "has too many digits") }
        let digits = (Array(whole) + Array(fraction)).reduce(UInt128(0)) { $0 * 10 + UInt128($1 - UInt8(ascii: "0")) }

        notation = scale.notation
        var amount = scale.billionths(digits, fractionDigits: fraction.count).flatMap(Int128.init(exactly:))
        if amount == nil || amount ?? 0 > Quantity.largest {
            guard notation == .binary else { throw ScalarError(text, "is too large: at most \(Int64.max) is possible") }
            amount = Quantity.largest
        }
        billionths = (amount ?? 0) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    /// The amount in base units, rounded up.
    package var value: Int64 { Int64(Quantity.ceiling(billionths, Quantity.unit)) }

    /// The amount in thousandths, rounded up; nil when it exceeds 64 bits.
    package var milli: Int64? { Int64(exactly: Quantity.ceiling(billionths, Quantity.unit / 1000)) }

    /// Whether the amount is below zero, which no limit may be.
    package var isNegative: Bool { billionths < 0 }

    /// The canonical text: the largest suffix of the same family that leaves an integer.
    ///
    /// Binary amounts that are fractional or below 1024 are written with decimal suffixes.
    package var description: String {
        if notation == .binary, billionths % Quantity.unit == 0, billionths.magnitude >= 1024 * Quantity.unit.magnitude
        {
            var amount = billionths / Quantity.unit
            var power = 0
            while power < 6, amount % 1024 == 0 {
                amount /= 1024
                power += 1
            }
            return "\(amount)" + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power]
        }
        var amount = billionths
        var power = 0
        while amount != 0, power < 9, amount % 1000 == 0 {
            amount /= 1000
            power += 1
        }
        if amount == 0 { return "0" }
        if notation == .exponent { return "\(amount)" + (power == 3 ? "" : "e\(3 * power - 9)") }
        return "\(amount)" + ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][power]
    }

    private static func ceiling(_ dividend: Int128, _ divisor: Int128) -> Int128 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder > 0 ? quotient + 1 : quotient
    }

    private static func malformed(_ text: String, _ hint: String = "") -> ScalarError {
        ScalarError(
            text, "is not a quantity" + (hint.isEmpty ? ": expected a number such as 1.5, 250m, 2G or 512Mi" : hint))
    }
}

extension Quantity {
    /// Whether two amounts are the same, however they were written.
    package static func == (first: Quantity, second: Quantity) -> Bool { first.billionths == second.billionths }

    package func hash(into hasher: inout Hasher) { hasher.combine(billionths) }
}

/// What the suffix of a quantity multiplies by.
private struct QuantityScale {
    let notation: Quantity.Notation
    /// The power of 2 for binary notation, of 10 for the others.
    let power: Int

    init?(suffix: Substring) {
        if let index = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: suffix) {
            (notation, power) = (.binary, 10 * (index + 1))
        } else if let index = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].firstIndex(of: suffix) {
            (notation, power) = (.decimal, 3 * index - 9)
        } else {
            guard let mark = suffix.utf8.first, "eE".utf8.contains(mark) else { return nil }
            var digits = suffix.dropFirst()
            let sign = digits.first == "-" ? -1 : 1
            if digits.first == "-" || digits.first == "+" { digits.removeFirst() }
            guard let exponent: Int = ASCII.number(digits), exponent <= 10_000 else { return nil }
            (notation, power) = (.exponent, sign * exponent)
        }
    }

    /// `digits / 10^fractionDigits` of this scale in billionths, rounded up; nil when it does not fit.
    func billionths(_ digits: UInt128, fractionDigits: Int) -> UInt128? {
        if digits == 0 { return 0 }
        guard notation == .binary else {
            let shift = power + 9 - fractionDigits
            guard let factor = QuantityScale.powerOfTen(abs(shift)) else { return shift > 0 ? nil : 1 }
            guard shift < 0 else {
                let (product, overflow) = digits.multipliedReportingOverflow(by: factor)
                return overflow ? nil : product
            }
            return (digits - 1) / factor + 1
        }
        guard let divisor = QuantityScale.powerOfTen(fractionDigits) else { return nil }
        let product = digits.multipliedFullWidth(by: (1 << UInt128(power)) * 1_000_000_000)
        guard product.high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        return remainder > 0 ? quotient + 1 : quotient
    }

    /// 10 to a power, nil when it exceeds 128 bits.
    private static func powerOfTen(_ exponent: Int) -> UInt128? {
        exponent > 38 ? nil : (0..<exponent).reduce(1) { result, _ in result * 10 }
    }
}
