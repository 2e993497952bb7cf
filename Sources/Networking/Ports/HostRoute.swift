// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The host's table of IPv4 routes.
package struct HostRoute: Equatable, Sendable {
    package let destination: IPPrefix
    package let interface: String

    /// The interface by which an IPv4 address is reached directly, nil when it is behind a gateway or nowhere.
    static func interface(to address: IPAddress) -> String? {
        guard let table = try? FileSystem.readText("/proc/thread-self/net/route", limit: 16 << 20) else { return nil }
        return best(parse(table), for: address)?.interface
    }

    /// The route with the longest prefix that an address belongs to.
    package static func best(_ routes: [HostRoute], for address: IPAddress) -> HostRoute? {
        routes.filter { route in
            IPPrefix(address, length: route.destination.length)?.network.address == route.destination.address
        }.max { $0.destination.length < $1.destination.length }
    }

    /// Reads the file `route` of /proc/PID/net (proc(5)): addresses are in the byte order of the machine. Routes by gateways are left out.
    package static func parse(_ table: String) -> [HostRoute] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count >= 8, let destination = address(fields[1]), let gateway = address(fields[2]),
                let mask = address(fields[7]), gateway.isUnspecified
            else { return nil }
            let length = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
            guard let prefix = IPPrefix(destination, length: length) else { return nil }
            return HostRoute(destination: prefix, interface: String(fields[0]))
        }
    }

    private static func address(_ field: Substring) -> IPAddress? {
        guard field.utf8.count == 8, let number = UInt32(field, radix: 16) else { return nil }
        return withUnsafeBytes(of: number) { IPAddress(bytes: Array($0)) }
    }
}
