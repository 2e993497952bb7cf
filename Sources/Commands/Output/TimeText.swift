// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc

/// Points in time as people read them; all are nanoseconds since 1970.
package enum TimeText {
    private static let second: Int64 = 1_000_000_000

    /// Now.
    package static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * second + Int64(time.tv_nsec)
    }

    /// `2006-01-02 15:04:05.999 -0700 MST`, in local time; milliseconds without the zeros at their end.
    package static func absolute(_ time: Int64) -> String {
        var seconds = time_t(time / second)
        var nanoseconds = time % second
        if nanoseconds < 0 {
            seconds -= 1
            nanoseconds += second
        }
        var fields = tm()
        // Unlike localtime(3), the reentrant form does not read TZ by itself (tzset(3)).
        tzset()
        guard localtime_r(&seconds, &fields) != nil else { return "\(seconds)" }
        var milliseconds = String(nanoseconds / 1_000_000 + 1000).dropFirst()
        while milliseconds.last == "0" { milliseconds.removeLast() }
        let fraction = milliseconds.isEmpty ? "" : ".\(milliseconds)"
        return format("%Y-%m-%d %H:%M:%S", &fields) + fraction + format(" %z %Z", &fields)
    }

    /// `Jan 02 15:04:05`, in local time.
    ///
    /// - Parameter microseconds: since 1970.
    package static func short(_ microseconds: UInt64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var fields = tm()
        tzset()
        guard localtime_r(&seconds, &fields) != nil else { return "\(seconds)" }
        return format("%b %d %H:%M:%S", &fields)
    }

    private static func format(_ pattern: String, _ fields: inout tm) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        // SAFETY: strftime(3) writes at most `count` bytes, the ending zero included.
        let length = strftime(&buffer, buffer.count, pattern, &fields)
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `now`, `41 seconds ago`, `2 minutes ago`, `6 days ago`.
    package static func relative(_ time: Int64, to now: Int64) -> String {
        let seconds = (now - time) / second
        let distance = abs(seconds)
        guard distance > 0 else { return "now" }
        let day: Int64 = 86_400
        let units: [(name: String, seconds: Int64, below: Int64)] = [
            ("second", 1, 60), ("minute", 60, 3600), ("hour", 3600, day), ("day", day, 7 * day),
            ("week", 7 * day, 30 * day), ("month", 30 * day, 365 * day), ("year", 365 * day, .max),
        ]
        guard let unit = units.first(where: { distance < $0.below }) else { return "now" }
        let count = distance / unit.seconds
        return "\(count) \(unit.name)\(count == 1 ? "" : "s") \(seconds < 0 ? "from now" : "ago")"
    }
}
