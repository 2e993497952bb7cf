// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A range of ports that an app listens on; it informs and drives forwarding.
package struct Port: Hashable, Sendable {
    /// What the pod calls the port by.
    package var name: ACName
    /// Free text, usually `tcp` or `udp`.
    package var `protocol`: String
    /// The first port, 1 to 65535.
    package var port: Int
    /// How many ports follow each other, at least 1.
    package var count: Int
    /// Whether the listening sockets are handed to the app.
    package var socketActivated: Bool

    package init(name: ACName, protocol: String, port: Int, count: Int = 1, socketActivated: Bool = false) {
        self.name = name
        self.protocol = `protocol`
        self.port = port
        self.count = count
        self.socketActivated = socketActivated
    }

    /// Reads `query,protocol=tcp,port=8080,count=2,socketActivated=true`.
    package init(parsing text: String) throws(ScalarError) {
        var fields = try OptionFields(parsing: text, keys: ["protocol", "port", "count", "socketActivated"])
        name = fields.name
        guard let transport = fields.take("protocol") else { throw ScalarError(text, "has no protocol=") }
        `protocol` = transport
        guard let port = try fields.takeNumber("port", 0...65535) else { throw ScalarError(text, "has no port=") }
        self.port = port
        count = max(1, try fields.takeNumber("count", 0...65535) ?? 1)
        socketActivated = try fields.takeBool("socketActivated") ?? false
        if let reason = rangeFailure { throw ScalarError(text, reason) }
    }

    /// The ports `port … port+count-1`.
    package var range: ClosedRange<Int> { port...(port + count - 1) }

    init(field: ManifestField) throws(ManifestError) {
        name = try field["name"].requiredScalar(ACName.init(parsing:))
        `protocol` = try field["protocol"].requiredString()
        port = try field["port"].requiredInteger(0...Int(UInt32.max))
        count = max(1, try field["count"].integer(0...Int(UInt32.max)) ?? 1)
        socketActivated = try field["socketActivated"].bool() ?? false
        if let reason = rangeFailure { throw field.failure(reason) }
    }

    var json: JSONValue {
        [
            "name": .string(name.string), "protocol": .string(`protocol`), "port": JSONValue(port),
            "count": JSONValue(count), "socketActivated": .bool(socketActivated),
        ]
    }

    private var rangeFailure: String? {
        guard port >= 1, port <= 65535 else { return "port \(port) is not within 1 to 65535" }
        return port + count > 65536 ? "\(count) ports from \(port) on end beyond 65535" : nil
    }
}
