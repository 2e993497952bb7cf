// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// One header field. Names compare without regard to case.
package struct HTTPField: Sendable, Equatable, Codable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request for one resource, with everything that bounds it.
package struct HTTPRequest: Sendable, Equatable, Codable {
    package enum Method: String, Sendable, Codable { case get = "GET", head = "HEAD", post = "POST" }

    package var method: Method
    /// Absolute, `http` or `https`.
    package var url: String
    /// Fields with credentials (`Authorization`, `Cookie`) do not follow a redirect to another host.
    package var fields: [HTTPField]
    package var body: [UInt8]
    /// How many bytes the body of the answer may have.
    package var limit: Int64
    /// What a user may do about a body that has more; ends the message.
    package var limitRemedy = ""
    /// A body, or a header, of which fewer than so many bytes come within `window` is given up.
    package var minimumBytes = 1000
    /// Milliseconds. Between two blocks there is `patience`; this is for servers that send one byte at a time.
    package var window = 60_000
    /// How many redirects are followed.
    package var redirects: Int
    /// Whether the request, or a redirect, may use plain HTTP.
    package var allowsPlainHTTP: Bool
    /// Whether certificate and host name are checked.
    package var verifiesServer: Bool
    /// Milliseconds until there must be a connection, and between two blocks of data.
    package var patience: Int
    /// How often the request is sent at most when it fails for a reason that may pass.
    package var attempts: Int

    package init(
        _ method: Method = .get, _ url: String, fields: [HTTPField] = [], body: [UInt8] = [],
        limit: Int64 = 1 << 20, redirects: Int = 10, allowsPlainHTTP: Bool = false, verifiesServer: Bool = true,
        patience: Int = 30_000, attempts: Int = 4
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.limit = limit
        self.redirects = redirects
        self.allowsPlainHTTP = allowsPlainHTTP
        self.verifiesServer = verifiesServer
        self.patience = patience
        self.attempts = attempts
    }
}

/// What a server has answered, after redirects.
package struct HTTPResponse: Sendable, Equatable, Codable {
    package var status: Int
    package var fields: [HTTPField]
    /// Where the answer came from.
    package var url: String
    /// Empty when the body went to a file.
    package var body: [UInt8]
    /// Bytes of the whole resource that the file holds now, those of an earlier download included.
    package var length: Int64

    package init(status: Int, fields: [HTTPField] = [], url: String, body: [UInt8] = [], length: Int64 = 0) {
        self.status = status
        self.fields = fields
        self.url = url
        self.body = body
        self.length = length
    }

    /// The first field of this name.
    package subscript(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
