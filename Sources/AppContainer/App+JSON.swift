// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension App {
    init(field: ManifestField) throws(ManifestError) {
        self.init(
            exec: try field["exec"].arguments(),
            user: try field["user"].requiredString(),
            group: try field["group"].requiredString())
        _ = try field["user"].cString()
        _ = try field["group"].cString()
        for element in try field["supplementaryGIDs"].elements() ?? [] {
            supplementaryGIDs.append(UInt32(try element.requiredInteger(0...Int(UInt32.max - 1))))
        }
        eventHandlers = try field["eventHandlers"].list(EventHandler.init(field:))
        for (index, handler) in eventHandlers.enumerated()
        where eventHandlers[..<index].contains(where: { $0.event == handler.event }) {
            throw field["eventHandlers"].failure("\(handler.event.rawValue) stands twice in the list")
        }
        workingDirectory = try field["workingDirectory"].cString() ?? ""
        guard workingDirectory.isEmpty || workingDirectory.hasPrefix("/") else {
            throw field["workingDirectory"].failure("\(ScalarError.quoted(workingDirectory)) is not an absolute path")
        }
        environment = try Environment(field: field["environment"])
        isolators = try [Isolator](field: field["isolators"])
        mountPoints = try field["mountPoints"].list(MountPoint.init(field:))
        ports = try field["ports"].list(Port.init(field:))
        userAnnotations = try field["userAnnotations"].stringMap()
        userLabels = try field["userLabels"].stringMap()
    }

    /// The section in the order of the schema; empty optional fields are left out.
    var json: JSONValue {
        var object = JSONObject()
        object.set("exec", JSONValue(arguments: exec))
        object.set("user", .string(user))
        object.set("group", .string(group))
        if !supplementaryGIDs.isEmpty {
            object.set("supplementaryGIDs", .array(supplementaryGIDs.map { JSONValue($0) }))
        }
        if !eventHandlers.isEmpty { object.set("eventHandlers", .array(eventHandlers.map(\.json))) }
        if !workingDirectory.isEmpty { object.set("workingDirectory", .string(workingDirectory)) }
        if !environment.isEmpty { object.set("environment", environment.json) }
        if !isolators.isEmpty { object.set("isolators", isolators.json) }
        if !mountPoints.isEmpty { object.set("mountPoints", .array(mountPoints.map(\.json))) }
        if !ports.isEmpty { object.set("ports", .array(ports.map(\.json))) }
        object.setUnlessEmpty("userAnnotations", userAnnotations)
        object.setUnlessEmpty("userLabels", userLabels)
        return .object(object)
    }
}

extension EventHandler {
    init(field: ManifestField) throws(ManifestError) {
        let name = try field["name"].requiredString()
        guard let event = Event(rawValue: name) else {
            throw field["name"].failure("\(ScalarError.quoted(name)) is unknown: expected pre-start or post-stop")
        }
        self.init(event: event, exec: try field["exec"].arguments())
    }

    var json: JSONValue { ["name": .string(event.rawValue), "exec": JSONValue(arguments: exec)] }
}

extension ManifestField {
    /// Texts for execve(2): none may hold NUL.
    fileprivate func arguments() throws(ManifestError) -> [String] {
        var result: [String] = []
        for element in try elements() ?? [] { result.append(try element.cString() ?? "") }
        return result
    }
}

extension JSONValue {
    /// A list of texts, `null` when empty as an unset list is written.
    fileprivate init(arguments: [String]) {
        self = arguments.isEmpty ? .null : .array(arguments.map { .string($0) })
    }
}

extension JSONObject {
    /// Adds an object of texts, its keys sorted, unless it is empty.
    mutating func setUnlessEmpty(_ key: String, _ map: [String: String]) {
        guard !map.isEmpty else { return }
        let members = map.sorted { $0.key < $1.key }.map { Member(key: $0.key, value: .string($0.value)) }
        set(key, .object(JSONObject(members)))
    }
}
