// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What brings resources from the network.
///
/// A status of any kind is an answer and not an error; errors are what kept the answer from coming: names that do not
/// resolve, refused connections, certificates, deadlines, limits, redirects without end.
package protocol HTTPTransport: Sendable {
    /// Gets an answer with its body in memory.
    func send(_ request: HTTPRequest) throws -> HTTPResponse

    /// Gets several resources at once, each into its file. One that fails does not end the others.
    ///
    /// - Returns: one result for each download, in their order.
    func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>]
}

/// A resource whose body goes to a file.
///
/// Only the body of a 200 or 206 is written; that of any other status comes in memory, cut off at 64 KiB.
package struct Download: Sendable {
    package var request: HTTPRequest
    /// Open for writing; it stays the caller's. It is cut to nothing when the server sends everything anew.
    package var file: FileDescriptor
    /// How many bytes of the resource the file has already.
    package var offset: Int64
    /// The entity tag or the date that the file's bytes belong to, for `If-Range`; without it nothing is resumed.
    package var validator: String?
    /// Called when the fields of a 200 or 206 have come and before any byte is written.
    package var onResponse: (@Sendable (HTTPResponse) throws -> Void)?
    /// Gets all bytes that the file has, and the resource's size if the server tells it.
    package var onProgress: (@Sendable (_ done: Int64, _ total: Int64?) -> Void)?

    package init(
        _ request: HTTPRequest, to file: FileDescriptor, offset: Int64 = 0, validator: String? = nil,
        onResponse: (@Sendable (HTTPResponse) throws -> Void)? = nil,
        onProgress: (@Sendable (_ done: Int64, _ total: Int64?) -> Void)? = nil
    ) {
        self.request = request
        self.file = file
        self.offset = offset
        self.validator = validator
        self.onResponse = onResponse
        self.onProgress = onProgress
    }
}
