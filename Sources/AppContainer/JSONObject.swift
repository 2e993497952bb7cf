// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The members of a JSON object in document order, each key once.
package struct JSONObject: Sendable, Hashable {
    /// One key and its value.
    package struct Member: Sendable, Hashable {
        package let key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members, in the order in which their keys first appeared.
    package private(set) var members: [Member]

    /// Takes members in order; of a repeated key the last value counts, at the place of the first.
    package init(_ members: [Member] = []) {
        self.members = []
        self.members.reserveCapacity(members.count)
        // A linear search per key is faster for the few keys of a manifest, and quadratic for a hostile document.
        if members.count <= 16 {
            for member in members { set(member.key, member.value) }
            return
        }
        var places: [String: Int] = [:]
        places.reserveCapacity(members.count)
        for member in members {
            if let place = places[member.key] {
                self.members[place].value = member.value
            } else {
                places[member.key] = self.members.count
                self.members.append(member)
            }
        }
    }

    /// The value of exactly this key; assigning nil removes the member.
    package subscript(exact key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            if let newValue { set(key, newValue) } else { members.removeAll { $0.key == key } }
        }
    }

    /// The value of this key, or else of the last key that differs from it only in the case of ASCII letters.
    package func value(forKey key: String) -> JSONValue? {
        if let exact = self[exact: key] { return exact }
        return members.last { ASCII.equalFoldingCase($0.key, key) }?.value
    }

    /// Replaces the value of a key where it stands, or appends the member.
    package mutating func set(_ key: String, _ value: JSONValue) {
        if let place = members.firstIndex(where: { $0.key == key }) {
            members[place].value = value
        } else {
            members.append(Member(key: key, value: value))
        }
    }
}
