// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What a request is answered with.
package struct MetadataAnswer: Equatable, Sendable {
    /// The types of bodies. Clients compare them byte by byte.
    package enum ContentType: String, Sendable {
        case json = "application/json"
        case text = "text/plain; charset=us-ascii"
    }

    package var status: Int
    package var type: ContentType
    package var body: [UInt8]
    /// The methods that the path has, for status 405.
    package var allow: String?

    /// A success.
    static func json(_ body: [UInt8]) -> MetadataAnswer { MetadataAnswer(status: 200, type: .json, body: body) }

    /// A success.
    static func text(_ text: String) -> MetadataAnswer {
        MetadataAnswer(status: 200, type: .text, body: Array(text.utf8))
    }

    /// A refusal with its reason, of which the first line is sent.
    static func refusal(_ status: Int, _ reason: String, allow: String? = nil) -> MetadataAnswer {
        let line = reason.split(whereSeparator: \.isNewline).first.map(String.init) ?? reason
        return MetadataAnswer(status: status, type: .text, body: Array(PrintableText.line(line).utf8), allow: allow)
    }
}

/// Why a request is refused.
struct Refusal: Error, Equatable {
    let answer: MetadataAnswer

    init(_ status: Int, _ reason: String, allow: String? = nil) {
        answer = .refusal(status, reason, allow: allow)
    }
}

/// The head of a request, as far as answers depend on it.
package struct RequestHead: Sendable {
    package var method: String
    /// The path and the query, as they came.
    package var target: String
    package var contentType: String?
    package var contentLength: String?

    package init(method: String, target: String, contentType: String? = nil, contentLength: String? = nil) {
        self.method = method
        self.target = target
        self.contentType = contentType
        self.contentLength = contentLength
    }

    var path: Substring { target.prefix { $0 != "?" } }
    var query: Substring { target.dropFirst(path.count).dropFirst() }

    /// The length of a body that must have one, at most `limit` bytes.
    func bodyLength(limit: Int) throws(Refusal) -> Int {
        guard let contentLength, let length = Int(contentLength), length >= 0 else {
            throw Refusal(411, "the request needs a Content-Length")
        }
        guard length <= limit else { throw Refusal(413, "the body is larger than \(limit) bytes") }
        return length
    }
}

/// What is to do with a request of which the head has come.
package enum HeadVerdict: Equatable, Sendable {
    /// Answer, and leave a body alone.
    case answer(MetadataAnswer)
    /// Read a body of this many bytes first.
    case body(Int)
}
