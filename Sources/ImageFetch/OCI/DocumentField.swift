// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// A value of a JSON document from a registry or layout, together with its place, so that every error names the field.
struct DocumentField {
    /// What messages call the document.
    let document: String
    /// The place of the value, such as `layers[1].digest`; empty for the document itself.
    let path: String
    let value: JSONValue?

    /// Reads a document that must be an object.
    init(parsing bytes: [UInt8], document: String) throws {
        self.document = document
        path = ""
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw RuntimeError(.invalidArgument, "\(document) is malformed JSON: \(error)")
        }
        guard value?.object != nil else { throw RuntimeError(.invalidArgument, "\(document) is not a JSON object") }
    }

    private init(_ document: String, _ path: String, _ value: JSONValue?) {
        self.document = document
        self.path = path
        self.value = value.flatMap { $0.isNull ? nil : $0 }
    }

    var isAbsent: Bool { value == nil }

    /// A member; absent when this is no object.
    subscript(key: String) -> DocumentField {
        DocumentField(document, path.isEmpty ? key : "\(path).\(key)", value?.value(forKey: key))
    }

    /// A text; nil when absent.
    func string() throws -> String? {
        guard let value else { return nil }
        guard let text = value.string else { throw mismatch("a string") }
        guard !text.utf8.contains(0) else { throw failure("holds a NUL character") }
        return text
    }

    func requiredString() throws -> String {
        guard let text = try string() else { throw failure("is missing") }
        return text
    }

    /// A number of bytes.
    func size() throws -> Int64 {
        guard let value else { throw failure("is missing") }
        guard let number = value.int, number >= 0 else { throw mismatch("a number of bytes") }
        return Int64(number)
    }

    func int() throws -> Int? {
        guard let value else { return nil }
        guard let number = value.int else { throw mismatch("an integer") }
        return number
    }

    /// The elements of a list; none when absent.
    func elements(limit: Int) throws -> [DocumentField] {
        guard let value else { return [] }
        guard let array = value.array else { throw mismatch("a list") }
        guard array.count <= limit else {
            throw failure("has \(array.count) elements, and \(limit) are the most allowed")
        }
        return array.enumerated().map { DocumentField(document, "\(path)[\($0.offset)]", $0.element) }
    }

    /// A list of texts; none when absent.
    func strings(limit: Int) throws -> [String] { try elements(limit: limit).map { try $0.requiredString() } }

    /// The members of an object in order; none when absent.
    func members(limit: Int) throws -> [(key: String, field: DocumentField)] {
        guard let value else { return [] }
        guard let object = value.object else { throw mismatch("an object") }
        guard object.members.count <= limit else {
            throw failure("has \(object.members.count) members, and \(limit) are the most allowed")
        }
        return object.members.map { ($0.key, DocumentField(document, "\(path).\($0.key)", $0.value)) }
    }

    func failure(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidArgument, path.isEmpty ? "\(document) \(reason)" : "\(document): \(path) \(reason)")
    }

    private func mismatch(_ expected: String) -> RuntimeError {
        failure("should be \(expected) and is \(value?.kindDescription ?? "missing")")
    }
}
