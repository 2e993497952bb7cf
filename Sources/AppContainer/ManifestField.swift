// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A value of a document together with its place, so that every error names the field.
struct ManifestField {
    /// The place of a value in its document.
    indirect enum Path {
        case root
        case member(Path, String)
        case element(Path, Int)

        var description: String {
            switch self {
            case .root: ""
            case .member(.root, let key): key
            case .member(let parent, let key): "\(parent.description).\(key)"
            case .element(let parent, let index): "\(parent.description)[\(index)]"
            }
        }
    }

    /// The value, nil when the field is absent.
    let value: JSONValue?
    let path: Path

    init(_ value: JSONValue?, path: Path = .root) {
        self.value = value
        self.path = path
    }

    /// Reads a document that must be an object with this `acKind`.
    init(parsing document: some Collection<UInt8>, kind: String) throws(ManifestError) {
        do throws(JSONSyntaxError) {
            self.init(try JSONValue(parsing: document))
        } catch {
            throw .syntax(error)
        }
        guard value?.object != nil else { throw failure("expected an object, found \(value?.kindDescription ?? "")") }
        let found = try self["acKind"].requiredString()
        guard found == kind else {
            throw self["acKind"].failure("expected \"\(kind)\", found \(ScalarError.quoted(found))")
        }
    }

    var isAbsent: Bool { value == nil || value == .null }

    /// A member of an object by its folded key; absent when this is no object.
    subscript(key: String) -> ManifestField { ManifestField(value?.value(forKey: key), path: .member(path, key)) }

    func failure(_ reason: String) -> ManifestError { .field(path.description, reason: reason) }

    private func mismatch(_ expected: String) -> ManifestError {
        guard let value else { return failure("is required but missing") }
        return failure("expected \(expected), found \(value.kindDescription)")
    }

    /// Checks that a present value is an object; nil when absent or null.
    func object() throws(ManifestError) -> JSONObject? {
        if isAbsent { return nil }
        guard let object = value?.object else { throw mismatch("an object") }
        return object
    }

    /// The elements of a list; nil when absent or null.
    func elements() throws(ManifestError) -> [ManifestField]? {
        if isAbsent { return nil }
        guard let array = value?.array else { throw mismatch("a list") }
        return array.enumerated().map { ManifestField($0.element, path: .element(path, $0.offset)) }
    }

    /// The elements of a list, each read as an object; empty when absent or null.
    func list<T>(_ read: (ManifestField) throws(ManifestError) -> T) throws(ManifestError) -> [T] {
        var result: [T] = []
        for element in try elements() ?? [] {
            guard element.value?.object != nil else { throw element.mismatch("an object") }
            result.append(try read(element))
        }
        return result
    }

    /// Texts of a list; empty when absent or null. A null element reads as the empty text, as it does in Go.
    func strings() throws(ManifestError) -> [String] {
        var result: [String] = []
        for element in try elements() ?? [] { result.append(try element.string() ?? "") }
        return result
    }

    /// A text; nil when absent or null.
    func string() throws(ManifestError) -> String? {
        if isAbsent { return nil }
        guard let text = value?.string else { throw mismatch("a string") }
        return text
    }

    /// A text that must be there and must not be empty.
    func requiredString() throws(ManifestError) -> String {
        guard let text = try string() else { throw mismatch("a string") }
        if text.isEmpty { throw failure("must not be empty") }
        return text
    }

    /// A text that goes to the kernel as a C string: it must not hold NUL. Nil when absent or null.
    func cString() throws(ManifestError) -> String? {
        let text = try string()
        if let text, text.utf8.contains(0) { throw failure("must not contain a NUL character") }
        return text
    }

    func bool() throws(ManifestError) -> Bool? {
        if isAbsent { return nil }
        guard let flag = value?.bool else { throw mismatch("true or false") }
        return flag
    }

    /// An integer within a range, written without fraction and exponent; nil when absent or null.
    func integer(_ range: ClosedRange<Int>) throws(ManifestError) -> Int? {
        if isAbsent { return nil }
        guard case .number(let literal) = value else { throw mismatch("a number") }
        // As in existing readers, a sign is an error where no number may be negative, even before 0.
        let isSigned = literal.utf8.first == UInt8(ascii: "-")
        guard let number = JSONValue.integer(literal), range.contains(number), range.lowerBound < 0 || !isSigned else {
            throw failure("expected an integer from \(range.lowerBound) to \(range.upperBound), found \(literal)")
        }
        return number
    }

    func requiredInteger(_ range: ClosedRange<Int>) throws(ManifestError) -> Int {
        guard let number = try integer(range) else { throw mismatch("a number") }
        return number
    }

    /// A text of a scalar type; nil when absent. A null is refused as the empty text would be.
    func scalar<T>(_ parse: (String) throws(ScalarError) -> T) throws(ManifestError) -> T? {
        guard value != nil else { return nil }
        let text = try string() ?? ""
        do throws(ScalarError) {
            return try parse(text)
        } catch {
            throw failure(error.description)
        }
    }

    /// A text of a scalar type that must be there.
    func requiredScalar<T>(_ parse: (String) throws(ScalarError) -> T) throws(ManifestError) -> T {
        guard let result = try scalar(parse) else { throw mismatch("a string") }
        return result
    }

    /// An object of free keys to texts; empty when absent or null.
    func stringMap() throws(ManifestError) -> [String: String] {
        var result: [String: String] = [:]
        for member in try object()?.members ?? [] {
            let field = ManifestField(member.value, path: .member(path, ScalarError.quoted(member.key)))
            result[member.key] = try field.string() ?? ""
        }
        return result
    }
}
