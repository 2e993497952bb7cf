// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import LinuxPlatform
import struct NIOCore.ByteBuffer
import SystemPackage

/// The file that a body goes to, and which part of the resource it has.
struct PartialFile: Sendable {
    private let file: FileDescriptor
    /// How many bytes of the resource it has.
    private(set) var have: Int64
    /// What those bytes belong to.
    private(set) var validator: String?
    private(set) var total: Int64?

    /// - Parameter offset: believed only as far as the file reaches.
    init(_ file: FileDescriptor, offset: Int64, validator: String?) {
        self.file = file
        let size = (try? FileSystem.status(of: file).size) ?? 0
        let canResume = offset > 0 && offset <= size && validator?.isStrongValidator == true
        have = canResume ? offset : 0
        self.validator = canResume ? validator : nil
    }

    /// The fields that ask for the rest; empty when all is wanted.
    var fields: [HTTPField] {
        guard have > 0, let validator, validator.isStrongValidator else { return [] }
        return [HTTPField("Range", "bytes=\(have)-"), HTTPField("If-Range", validator)]
    }

    /// Forgets what the file has.
    mutating func beginAnew() {
        have = 0
        validator = nil
        total = nil
    }

    /// Begins with an answer that has the whole resource.
    mutating func begin(_ head: HTTPResponse, length: Int64?) {
        have = 0
        validator = head.validator
        total = length
    }

    /// Checks an answer that has the rest of the resource.
    ///
    /// - Returns: what is wrong with it.
    mutating func resume(_ head: HTTPResponse) -> String? {
        guard let text = head["Content-Range"], let content = ContentRange(text), let range = content.range else {
            return "a part without saying which"
        }
        guard range.lowerBound == have else { return "the part from \(range.lowerBound) in place of that from \(have)" }
        if let known = total, let told = content.total, known != told { return "a part of something of another size" }
        if let validator, validator.hasPrefix("\""), let tag = head["ETag"], tag != validator {
            return "a part of something else"
        }
        total = content.total ?? total
        return nil
    }

    /// Whether a server that has nothing to send after `have` says by that that the file is complete.
    func isComplete(_ head: HTTPResponse) -> Bool {
        guard let text = head["Content-Range"], let content = ContentRange(text), content.total == have else {
            return false
        }
        return head["ETag"].map { $0 == validator } ?? true
    }

    // MARK: - The file

    /// Removes what the file has beyond `have`.
    func cut() throws(Errno) { try FileSystem.setSize(have, of: file) }

    mutating func append(_ buffer: ByteBuffer) throws(Errno) {
        do {
            _ = try buffer.withUnsafeReadableBytes { try file.writeAll(toAbsoluteOffset: have, $0) }
        } catch {
            throw error as? Errno ?? .ioError
        }
        have += Int64(buffer.readableBytes)
    }
}
