// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A name with a text, kept in lists where each name stands once.
package protocol NamedValue: Hashable, Sendable {
    associatedtype Name: Hashable & Sendable & CustomStringConvertible
    var name: Name { get }
    var value: String { get }
    init(name: Name, value: String)
}

/// A label of an image.
package struct Label: NamedValue {
    package let name: ACIdentifier
    package let value: String

    package init(name: ACIdentifier, value: String) {
        self.name = name
        self.value = value
    }
}

/// An annotation of an image, a pod or an app.
package struct Annotation: NamedValue {
    package let name: ACIdentifier
    package let value: String

    package init(name: ACIdentifier, value: String) {
        self.name = name
        self.value = value
    }
}

/// A variable of an app's environment.
package struct EnvironmentVariable: NamedValue {
    /// A letter or `_`, then letters, digits, `_`, `.` and `-`.
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// Refuses names that are not portable.
    package static func check(name: String) throws(ScalarError) {
        guard let first = name.utf8.first,
            ASCII.isLower(first) || ASCII.isUpper(first) || first == UInt8(ascii: "_"),
            name.utf8.allSatisfy({
                ASCII.isLower($0) || ASCII.isUpper($0) || ASCII.isDigit($0) || "_.-".utf8.contains($0)
            })
        else {
            throw ScalarError(
                name, "is not an environment variable name: expected a letter or _, then letters, digits and any of _.-"
            )
        }
    }
}

/// Labels of an image.
package typealias Labels = NamedValues<Label>
/// Annotations of an image, a pod or an app.
package typealias Annotations = NamedValues<Annotation>
/// The environment of an app.
package typealias Environment = NamedValues<EnvironmentVariable>

/// A list of named texts in which each name stands once; the order is kept.
package struct NamedValues<Element: NamedValue>: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
    private var elements: [Element] = []

    /// An empty list.
    package init() {}

    /// Takes elements in order; of a repeated name the last value counts, at the place of the first.
    package init(_ elements: some Sequence<Element>) {
        var places: [Element.Name: Int] = [:]
        for element in elements {
            if let place = places[element.name] {
                self.elements[place] = element
            } else {
                places[element.name] = self.elements.count
                self.elements.append(element)
            }
        }
    }

    package init(arrayLiteral elements: Element...) { self.init(elements) }

    package var startIndex: Int { elements.startIndex }
    package var endIndex: Int { elements.endIndex }
    package subscript(position: Int) -> Element { elements[position] }

    /// The value of a name, nil when the list lacks it.
    package subscript(name: String) -> String? { elements.first { $0.name.description == name }?.value }

    /// Replaces the value of a name where it stands, or appends it.
    package mutating func set(_ name: Element.Name, _ value: String) {
        let element = Element(name: name, value: value)
        if let place = elements.firstIndex(where: { $0.name == name }) {
            elements[place] = element
        } else {
            elements.append(element)
        }
    }

    /// Takes a name out; nothing happens when the list lacks it.
    package mutating func remove(_ name: Element.Name) { elements.removeAll { $0.name == name } }

    /// This list with each value of another one set on top: replaced where it stands, else appended in order.
    package func merging(_ other: some Sequence<Element>) -> Self {
        var result = self
        for element in other { result.set(element.name, element.value) }
        return result
    }
}

extension NamedValues {
    /// Reads a list of `{name, value}`; a missing value is the empty text.
    init(
        _ field: ManifestField, name parse: (String) throws(ScalarError) -> Element.Name,
        check: (ManifestField, Element) throws(ManifestError) -> Void
    ) throws(ManifestError) {
        var names: Set<Element.Name> = []
        elements = try field.list { member throws(ManifestError) in
            let name = try member["name"].requiredScalar(parse)
            guard names.insert(name).inserted else {
                throw member["name"].failure("\(ScalarError.quoted(name.description)) stands twice in the list")
            }
            let element = Element(name: name, value: try member["value"].string() ?? "")
            try check(member, element)
            return element
        }
    }

    /// The list as JSON, an empty one as `[]`.
    var json: JSONValue {
        .array(elements.map { ["name": .string($0.name.description), "value": .string($0.value)] })
    }
}
