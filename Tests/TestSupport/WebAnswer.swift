// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What a `WebServer` answers, with all the ways in which it may misbehave.
package struct WebAnswer: Sendable, Codable {
    package var status = 200
    /// `[name, value]` each.
    package var fields: [[String]] = []
    /// The body.
    package var text: String?
    /// The file that the body is read from.
    package var file: String?
    /// Sent as `ETag`, and compared with `If-None-Match` and `If-Range`.
    package var etag: String?
    /// Sent as `Last-Modified`, and compared with `If-Modified-Since` and `If-Range`.
    package var modified: String?
    /// Whether `Range` is honoured.
    package var ranges = false
    /// What `Authorization` has to be; any other request gets a 401 with the `WWW-Authenticate` of `fields`.
    package var authorization: String?

    // MARK: - Misbehaviour

    /// `Content-Length` in place of the true one.
    package var length: Int64?
    /// `Content-Range` in place of the true one.
    package var contentRange: String?
    package var chunked = false
    /// Neither length nor chunks: the body ends with the connection.
    package var untilClose = false
    /// Zeros without end.
    package var endless = false
    /// After so many bytes of the body the connection is closed; with `reset`, by a reset.
    package var breakAfter: Int?
    package var reset = false
    /// After so many bytes of the body nothing more comes until the client goes away.
    package var stallAfter: Int?
    /// The answer waits until the test opens the gate of this name, before its first byte or after `gateAfter` bytes of
    /// the body.
    package var gate: String?
    package var gateAfter: Int?
    /// The largest number of bytes sent at once, and the milliseconds between two such blocks.
    package var block: Int?
    package var pause: Int?
    /// Sent in place of everything else, whether it is HTTP or not.
    package var raw: String?

    package init() {}

    /// A text, with status 200 unless told otherwise.
    package static func text(_ text: String, status: Int = 200, type: String? = nil) -> WebAnswer {
        var answer = WebAnswer()
        answer.status = status
        answer.text = text
        if let type { answer.fields.append(["Content-Type", type]) }
        return answer
    }

    /// A file's contents; ranges are honoured.
    package static func file(_ path: FilePath, etag: String? = nil, modified: String? = nil) -> WebAnswer {
        var answer = WebAnswer()
        answer.file = path.string
        answer.etag = etag
        answer.modified = modified
        answer.ranges = true
        return answer
    }

    package static func redirect(to url: String, status: Int = 302) -> WebAnswer {
        var answer = WebAnswer.text("elsewhere\n", status: status)
        answer.fields.append(["Location", url])
        return answer
    }

    /// A copy with some things changed: `.text("a").with { $0.breakAfter = 0 }`.
    package func with(_ change: (inout WebAnswer) -> Void) -> WebAnswer {
        var copy = self
        change(&copy)
        return copy
    }
}
