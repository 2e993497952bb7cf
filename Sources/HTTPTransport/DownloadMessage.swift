// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials

/// A request as the `download` program gets it.
package struct DownloadStart: Sendable, Codable {
    /// Without its body.
    package var request: HTTPRequest
    package var body: Data
    /// Whether a file's descriptor comes along.
    package var hasFile: Bool
    package var offset: Int64
    package var validator: String?

    package init(_ request: HTTPRequest, hasFile: Bool = false, offset: Int64 = 0, validator: String? = nil) {
        self.request = request
        self.request.body = []
        body = Data(request.body)
        self.hasFile = hasFile
        self.offset = offset
        self.validator = validator
    }
}

/// How far a file has come.
package struct DownloadProgress: Sendable, Codable {
    package var done: Int64
    package var total: Int64?

    package init(done: Int64, total: Int64?) {
        self.done = done
        self.total = total
    }
}

/// Why there is no answer.
package struct DownloadFailure: Error, Sendable, Equatable, Codable {
    /// What kind of failure it is.
    package enum Kind: String, Sendable, Codable {
        /// The host's name is unknown.
        case name
        /// There is no connection, or it broke.
        case connection
        case timeout
        /// The server's certificate, or the TLS handshake.
        case certificate
        /// Plain HTTP that is not allowed.
        case plainHTTP
        /// The request itself is wrong: its URL, its fields.
        case request
        /// What the server has answered breaks a rule or a limit.
        case answer
        /// The file cannot be written.
        case file
        /// The caller does not want the answer.
        case cancelled
    }

    package var kind: Kind
    /// One line that names the URL.
    package var reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// The error as callers get it.
    var error: RuntimeError {
        let code: RuntimeError.Code =
            switch kind {
            case .name, .connection: .notFound
            case .timeout: .timeout
            case .certificate: .untrusted
            case .plainHTTP: .permissionDenied
            case .request: .invalidArgument
            case .answer, .cancelled: .invalidState
            case .file: .internal
            }
        return RuntimeError(code, reason.shownLine)
    }
}

extension DownloadFrame {
    /// A frame with a message.
    package init(_ kind: Kind, _ id: UInt32, message: some Encodable) throws {
        self.init(kind, id, Array(try JSONEncoder().encode(message)))
    }

    /// The message of a frame.
    package func message<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
        try JSONDecoder().decode(type, from: Data(payload))
    }
}

extension String {
    /// Safe to print: at most 2000 characters, none of which move a terminal's cursor.
    var shownLine: String {
        String(
            String.UnicodeScalarView(unicodeScalars.prefix(2000).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }))
    }
}
