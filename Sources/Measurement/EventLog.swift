// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Diagnostics

/// The log of what was measured, as the TCG's "PC Client Platform Firmware Profile Specification" (1.05, section 10) has it:
/// a first event that tells the format, then one TCG_PCR_EVENT2 for each. tpm2_eventlog(1) replays it.
package enum EventLog {
    /// The register that pods are measured into: the last of those that only a restart of the host resets.
    package static let register = 15
    /// SHA-256, as the TCG numbers algorithms.
    private static let algorithm: UInt16 = 0x000b
    private static let digestLength = 32
    /// Of the records: none of those that the specification gives a meaning.
    private static let eventType: UInt32 = 0x1000
    /// The most bytes of one event.
    package static let mostBytes = 1 << 20

    /// The event that a log begins with: EV_NO_ACTION with a TCG_EfiSpecIdEvent.
    package static let header: [UInt8] = {
        var event = Array("Spec ID Event03".utf8) + [0]
        // Class of the platform, version 2.0 without errata, 64 bits; one algorithm; nothing of the vendor's.
        event += bytes(UInt32(0)) + [0, 2, 0, 2] + bytes(UInt32(1)) + bytes(algorithm)
        event += bytes(UInt16(digestLength)) + [0]
        let digest = [UInt8](repeating: 0, count: 20)
        return bytes(UInt32(0)) + bytes(UInt32(3)) + digest + bytes(UInt32(event.count)) + event
    }()

    /// What a register is extended with.
    package static func digest(of data: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: data)) }

    package static func record(of data: [UInt8]) -> [UInt8] {
        bytes(UInt32(register)) + bytes(eventType) + bytes(UInt32(1)) + bytes(algorithm) + digest(of: data)
            + bytes(UInt32(data.count)) + data
    }

    /// The value that a register which was zero has after all records of a log, in hexadecimal digits.
    ///
    /// - Throws: when it is no log.
    package static func replay(_ log: [UInt8]) throws -> String {
        var value = [UInt8](repeating: 0, count: digestLength)
        for event in try events(in: log) { value = Array(SHA256.hash(data: value + digest(of: event))) }
        return Hexadecimal.text(value)
    }

    /// The data of all records of a log.
    ///
    /// - Throws: when it is none, is cut off, or has a record whose digest is not that of its data.
    package static func events(in log: [UInt8]) throws -> [[UInt8]] {
        guard log.starts(with: header) else { throw RuntimeError(.invalidState, "it does not begin as one") }
        var rest = log[header.count...]
        func take(_ count: Int) throws -> ArraySlice<UInt8> {
            guard count <= rest.count else { throw RuntimeError(.invalidState, "its last event is cut off") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func number(_ count: Int) throws -> UInt32 { try take(count).reversed().reduce(0) { $0 << 8 | UInt32($1) } }
        var events: [[UInt8]] = []
        while !rest.isEmpty {
            guard try number(4) == UInt32(register), try number(4) == eventType, try number(4) == 1,
                try number(2) == UInt32(algorithm)
            else { throw RuntimeError(.invalidState, "event \(events.count + 1) is not of rkt's") }
            let digest = try take(digestLength)
            let length = try number(4)
            guard length <= mostBytes else { throw RuntimeError(.invalidState, "an event is too long") }
            let data = Array(try take(Int(length)))
            guard Array(digest) == Self.digest(of: data) else {
                throw RuntimeError(.invalidState, "event \(events.count + 1) has another digest than its data")
            }
            events.append(data)
        }
        return events
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
