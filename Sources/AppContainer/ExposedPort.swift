// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A port of a pod's app that is reachable on the host.
package struct ExposedPort: Hashable, Sendable {
    /// The name of a port of exactly one app in the pod, unless ``podPort`` is given.
    package var name: ACName
    /// 1 to 65535.
    package var hostPort: Int
    /// An IPv4 or IPv6 address of the host, nil for all.
    package var hostIP: String?
    /// Used in place of the app's port of that name.
    package var podPort: Port?

    package init(name: ACName, hostPort: Int, hostIP: String? = nil, podPort: Port? = nil) {
        self.name = name
        self.hostPort = hostPort
        self.hostIP = hostIP
        self.podPort = podPort
    }

    /// Reads the command-line form `NAME:[HOSTIP:]HOSTPORT`; an IPv6 address may stand in brackets.
    package init(parsing text: String) throws(ScalarError) {
        let wrong = ScalarError(text, "is not a port: expected NAME:HOSTPORT or NAME:HOSTIP:HOSTPORT")
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":") else { throw wrong }
        name = try ACName(parsing: String(text[..<first]))
        guard let port: Int = ASCII.number(text[text.index(after: last)...]), (1...65535).contains(port) else {
            throw wrong
        }
        hostPort = port
        if first != last {
            var address = text[text.index(after: first)..<last]
            if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
            try ExposedPort.check(address: String(address))
            hostIP = String(address)
        }
    }

    /// Reads `NAME:PROTOCOL:PORT:[HOSTIP:]HOSTPORT`, for a pod whose apps are not known yet: no app says what the port is.
    package init(parsingWithoutApp text: String) throws(ScalarError) {
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, !parts[1].contains(","), parts[2].utf8.allSatisfy(ASCII.isDigit) else {
            throw ScalarError(
                text, "is not a port: expected NAME:PROTOCOL:PORT:HOSTPORT or NAME:PROTOCOL:PORT:HOSTIP:HOSTPORT")
        }
        try self.init(parsing: "\(parts[0]):\(parts[3])")
        podPort = try Port(parsing: "\(parts[0]),protocol=\(parts[1]),port=\(parts[2])")
    }

    init(field: ManifestField) throws(ManifestError) {
        name = try field["name"].requiredScalar(ACName.init(parsing:))
        hostPort = try field["hostPort"].requiredInteger(1...65535)
        hostIP = try field["hostIP"].string().flatMap { $0.isEmpty ? nil : $0 }
        if let hostIP {
            do throws(ScalarError) {
                try ExposedPort.check(address: hostIP)
            } catch {
                throw field["hostIP"].failure(error.description)
            }
        }
        podPort = try field["podPort"].object() == nil ? nil : Port(field: field["podPort"])
    }

    var json: JSONValue {
        var object = JSONObject()
        object.set("name", .string(name.string))
        object.set("hostPort", JSONValue(hostPort))
        if let hostIP { object.set("hostIP", .string(hostIP)) }
        if let podPort { object.set("podPort", podPort.json) }
        return .object(object)
    }

    private static func check(address: String) throws(ScalarError) {
        var buffer = in6_addr()
        // SAFETY: in6_addr has room for either family; both calls only write into it.
        let isAddress = withUnsafeMutableBytes(of: &buffer) { bytes in
            !address.utf8.contains(0)
                && (inet_pton(AF_INET, address, bytes.baseAddress) == 1
                    || inet_pton(AF_INET6, address, bytes.baseAddress) == 1)
        }
        guard isAddress else { throw ScalarError(address, "is not an IP address") }
    }
}
