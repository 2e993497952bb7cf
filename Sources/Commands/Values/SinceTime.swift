// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics

/// A point in time as systemd.time(7) writes it, in the forms that have one meaning.
package enum SinceTime {
    private static let second: UInt64 = 1_000_000
    private static let day: UInt64 = 86_400 * second

    /// Microseconds since 1970.
    ///
    /// - Parameter now: what `-5min` and `today` are told from, in microseconds.
    /// - Throws: code `invalidArgument`, with the text, for every other form.
    package static func parse(_ text: String, now: UInt64) throws -> UInt64 {
        let trimmed = text.drop { $0 == " " }
        if let time = relative(trimmed, now) ?? absolute(trimmed, now) { return time }
        throw RuntimeError(
            .invalidArgument,
            "--since: \"\(PrintableText.line(text.utf8))\" is not a time that is understood; write it as "
                + "\"2026-01-02 15:04:05\", 2026-01-02T15:04:05Z, @1767366245, today, -5min or \"1h 30min ago\"")
    }

    // MARK: - From now

    private static func relative(_ text: Substring, _ now: UInt64) -> UInt64? {
        if text == "now" { return now }
        let span: Substring
        if text.hasPrefix("-") {
            span = text.dropFirst()
        } else if text.hasSuffix(" ago") {
            span = text.dropLast(4)
        } else {
            return nil
        }
        return length(span).map { now > $0 ? now - $0 : 0 }
    }

    /// Months and years have no length.
    private static let units: [(names: [Substring], microseconds: UInt64)] = [
        (["us", "usec", "µs"], 1), (["ms", "msec"], 1000), (["s", "sec", "second", "seconds", ""], second),
        (["m", "min", "minute", "minutes"], 60 * second), (["h", "hr", "hour", "hours"], 3600 * second),
        (["d", "day", "days"], day), (["w", "week", "weeks"], 7 * day),
    ]

    /// `1h 30min`, `90s`, `5`.
    private static func length(_ text: Substring) -> UInt64? {
        var rest = text.drop { $0 == " " }
        guard !rest.isEmpty else { return nil }
        var sum: UInt64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count).drop { $0 == " " }
            guard let count = UInt64(digits), let unit = units.first(where: { $0.names.contains(name) }) else {
                return nil
            }
            let (part, overflow) = count.multipliedReportingOverflow(by: unit.microseconds)
            let (total, overflows) = sum.addingReportingOverflow(part)
            guard !overflow, !overflows else { return nil }
            sum = total
        }
        return sum
    }

    // MARK: - By the calendar

    private static func absolute(_ text: Substring, _ now: UInt64) -> UInt64? {
        if text.hasPrefix("@") { return decimal(text.dropFirst()) }
        switch text {
        case "today": return midnight(now, 0)
        case "yesterday": return midnight(now, -1)
        default: break
        }
        let words = text.split(separator: " ")
        if words.count == 1, let tee = text.firstIndex(of: "T") {
            // RFC 3339 always tells its distance from UTC.
            return distance(text[text.index(after: tee)...]).flatMap { clock, seconds in
                moment(date: text[..<tee], clock: clock, distance: seconds)
            }
        }
        switch words.count {
        case 1 where words[0].contains("-"): return moment(date: words[0], clock: "00:00:00", distance: nil)
        case 2: return moment(date: words[0], clock: words[1], distance: nil)
        case 3 where words[2] == "UTC": return moment(date: words[0], clock: words[1], distance: 0)
        default: return nil
        }
    }

    /// `1767366245.25`, in microseconds.
    private static func decimal(_ text: Substring) -> UInt64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = number(parts[0], 0...9_999_999_999) else { return nil }
        guard parts.count == 2 else { return UInt64(whole) * second }
        return fraction(parts[1]).map { UInt64(whole) * second + $0 }
    }

    /// Microseconds of the digits behind a point.
    private static func fraction(_ digits: Substring) -> UInt64? {
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return UInt64((digits + "000000").prefix(6))
    }

    private static func number(_ digits: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits) else { return nil }
        return range.contains(number) ? number : nil
    }

    /// Splits `15:04:05Z` and `15:04:05+02:00` into the time of day and its seconds east of UTC.
    private static func distance(_ text: Substring) -> (clock: Substring, seconds: Int)? {
        if text.hasSuffix("Z") { return (text.dropLast(), 0) }
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
        let parts = text[text.index(after: sign)...].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 2, parts[1].count == 2, let hours = number(parts[0], 0...23),
            let minutes = number(parts[1], 0...59)
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return (text[..<sign], text[sign] == "-" ? -seconds : seconds)
    }

    /// - Parameter distance: seconds east of UTC; nil is local time.
    private static func moment(date: Substring, clock: Substring, distance: Int?) -> UInt64? {
        let dateParts = date.split(separator: "-", omittingEmptySubsequences: false)
        let halves = clock.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let clockParts = halves[0].split(separator: ":", omittingEmptySubsequences: false)
        guard dateParts.count == 3, dateParts[0].count == 4, (2...3).contains(clockParts.count),
            let year = number(dateParts[0], 1970...9999), let month = number(dateParts[1], 1...12),
            let day = number(dateParts[2], 1...31), let hour = number(clockParts[0], 0...23),
            let minute = number(clockParts[1], 0...59),
            let seconds = clockParts.count == 3 ? number(clockParts[2], 0...59) : 0,
            let rest = halves.count == 2 ? fraction(halves[1]) : 0
        else { return nil }
        var fields = tm()
        (fields.tm_year, fields.tm_mon, fields.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
        (fields.tm_hour, fields.tm_min, fields.tm_sec, fields.tm_isdst) = (
            Int32(hour), Int32(minute), Int32(seconds), -1
        )
        let time = distance == nil ? mktime(&fields) : timegm(&fields)
        // February has no day 30: the C library would go on into March.
        guard fields.tm_mday == Int32(day), time - (distance ?? 0) >= 0 else { return nil }
        return UInt64(time - (distance ?? 0)) * second + rest
    }

    /// The start of the local day, so many days later.
    private static func midnight(_ now: UInt64, _ days: Int32) -> UInt64? {
        var seconds = time_t(now / second)
        var fields = tm()
        tzset()
        guard localtime_r(&seconds, &fields) != nil else { return nil }
        (fields.tm_hour, fields.tm_min, fields.tm_sec, fields.tm_isdst) = (0, 0, 0, -1)
        fields.tm_mday += days
        let time = mktime(&fields)
        return time < 0 ? nil : UInt64(time) * second
    }
}
