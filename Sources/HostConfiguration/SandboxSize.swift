// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// The size of the machine of a pod that apps are added to while it runs. What is nil is nobody's wish.
package struct SandboxSize: Equatable, Sendable {
    /// Bytes that the apps have together.
    package var memory: Int?
    package var processors: Int?

    package init() {}

    /// Bytes of the largest machine that can be asked for.
    private static let mostMemory = 1 << 50
    private static let mostProcessors = 1024

    /// Reads an amount such as `2Gi`, or bytes.
    ///
    /// - Throws: a reason without what it is about.
    package static func memory(parsing text: String) throws(ScalarError) -> Int {
        let amount = try Quantity(parsing: text).value
        guard (1...Int64(mostMemory)).contains(amount) else {
            throw ScalarError(text, "is not an amount of memory from 1 to \(mostMemory) bytes")
        }
        return Int(amount)
    }

    /// Reads a number of processors; part of one takes one.
    ///
    /// - Throws: a reason without what it is about.
    package static func processors(parsing text: String) throws(ScalarError) -> Int {
        let amount = try Quantity(parsing: text).value
        guard (1...Int64(mostProcessors)).contains(amount) else {
            throw ScalarError(text, "is not a number of processors from 1 to \(mostProcessors)")
        }
        return Int(amount)
    }

    mutating func add(_ field: ConfigurationField) throws {
        guard field.value != nil else { return }
        try field.requireObject()
        try Self.read(field["memory"], Self.memory(parsing:), into: &memory)
        try Self.read(field["cpu"], Self.processors(parsing:), into: &processors)
    }

    package mutating func override(with later: SandboxSize) {
        memory = later.memory ?? memory
        processors = later.processors ?? processors
    }

    /// Nil when nothing is said.
    var json: JSONObject? {
        var object = JSONObject()
        if let memory { object.set("memory", JSONValue(memory)) }
        if let processors { object.set("cpu", JSONValue(processors)) }
        return object.members.isEmpty ? nil : object
    }

    private static func read(
        _ field: ConfigurationField, _ parse: (String) throws(ScalarError) -> Int, into number: inout Int?
    ) throws {
        guard let value = field.value else { return }
        guard let text = value.string ?? value.int.map(String.init) else {
            throw field.failure("expected a whole number or an amount, found \(value.kindDescription)")
        }
        guard number == nil else { throw field.failure("another file of this directory has set it already") }
        do throws(ScalarError) {
            number = try parse(text)
        } catch {
            throw field.failure("\(error)")
        }
    }
}
