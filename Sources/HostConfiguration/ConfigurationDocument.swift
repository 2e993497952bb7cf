// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A file of the configuration.
package struct ConfigurationDocument: Sendable {
    package let path: FilePath
    /// The whole document, an object.
    package let root: ConfigurationField

    /// - Throws: `RuntimeError` with the line and column of what is no JSON.
    package init(parsing bytes: [UInt8], path: FilePath) throws {
        self.path = path
        do throws(JSONSyntaxError) {
            root = ConfigurationField(try JSONValue(parsing: bytes), file: path)
        } catch {
            throw RuntimeError(.invalidArgument, "configuration file \"\(path)\" is not JSON: \(error)")
        }
        guard root.value?.object != nil else { throw root.failure("the file must hold an object") }
    }
}

/// A value in a configuration file with its place, which errors name.
package struct ConfigurationField: Sendable {
    /// Nil when the field is absent.
    package let value: JSONValue?
    private let file: FilePath
    private let name: String

    init(_ value: JSONValue?, file: FilePath, name: String = "") {
        self.value = value == .null ? nil : value
        self.file = file
        self.name = name
    }

    /// A member of an object; absent when this is none.
    package subscript(key: String) -> ConfigurationField {
        ConfigurationField(value?.value(forKey: key), file: file, name: name.isEmpty ? key : "\(name).\(key)")
    }

    /// What is wrong with this field.
    package func failure(_ reason: String) -> RuntimeError {
        let place = name.isEmpty ? "" : "\(name): "
        return RuntimeError(.invalidArgument, "configuration file \"\(file)\": \(place)\(reason)")
    }

    /// A text; nil when it is absent or empty.
    package func string() throws -> String? {
        guard let value else { return nil }
        guard let text = value.string else { throw failure("expected a string, found \(value.kindDescription)") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw failure("must not hold control characters")
        }
        return text.isEmpty ? nil : text
    }

    /// A text that must be there and not be empty.
    package func requiredString() throws -> String {
        guard let text = try string() else {
            throw failure(value == nil ? "is required but missing" : "must not be empty")
        }
        return text
    }

    /// A list of texts that must be there, with one element at least.
    package func requiredStrings() throws -> [(text: String, field: ConfigurationField)] {
        guard let value else { throw failure("is required but missing") }
        guard let elements = value.array else { throw failure("expected a list, found \(value.kindDescription)") }
        guard !elements.isEmpty else { throw failure("must not be empty") }
        return try elements.enumerated().map { index, element in
            let field = ConfigurationField(element, file: file, name: "\(name)[\(index)]")
            return (try field.requiredString(), field)
        }
    }

    /// Checks that this is an object that is there.
    package func requireObject() throws {
        guard let value else { throw failure("is required but missing") }
        guard value.object != nil else { throw failure("expected an object, found \(value.kindDescription)") }
    }
}
