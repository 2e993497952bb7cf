// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension IsolatorKind {
    /// Reads the value of a known isolator.
    init(_ name: IsolatorName, _ field: ManifestField) throws(ManifestError) {
        switch name {
        case .cpu: self = .cpu(try ResourceRange(field: field))
        case .memory: self = .memory(try ResourceRange(field: field))
        case .blockBandwidth: self = .blockBandwidth(limit: try field.defaultLimit())
        case .blockOperations: self = .blockOperations(limit: try field.defaultLimit())
        case .networkBandwidth: self = .networkBandwidth(limit: try field.defaultLimit())
        case .capabilitiesRetainSet: self = .capabilitiesRetainSet(try field.nonEmptySet())
        case .capabilitiesRemoveSet: self = .capabilitiesRemoveSet(try field.nonEmptySet())
        case .seccompRetainSet:
            self = .seccompRetainSet(try SeccompSet(field: field, forbidden: SeccompSet.noCalls))
        case .seccompRemoveSet:
            self = .seccompRemoveSet(try SeccompSet(field: field, forbidden: SeccompSet.allCalls))
        case .noNewPrivileges: self = .noNewPrivileges(try field.bool() ?? false)
        case .seLinuxContext: self = .seLinuxContext(try SELinuxContext(field: field))
        case .appArmorProfile:
            _ = try field.requiredObject()
            self = .appArmorProfile(try field["profile"].requiredString())
        case .oomScoreAdjustment: self = .oomScoreAdjustment(try field.requiredInteger(-1000...1000))
        case .cpuShares: self = .cpuShares(try field.requiredInteger(2...262_144))
        case .sysctl:
            _ = try field.requiredObject()
            self = .sysctl(try field.stringMap())
        }
    }

    /// The value as a manifest holds it.
    var json: JSONValue {
        switch self {
        case .cpu(let range), .memory(let range): range.json
        case .blockBandwidth(let limit), .blockOperations(let limit), .networkBandwidth(let limit):
            limit.map { ["default": true, "limit": .string($0.description)] } ?? ["default": true]
        case .capabilitiesRetainSet(let names), .capabilitiesRemoveSet(let names):
            ["set": .array(names.map { .string($0) })]
        case .seccompRetainSet(let set), .seccompRemoveSet(let set): set.json
        case .noNewPrivileges(let flag): .bool(flag)
        case .seLinuxContext(let context):
            [
                "user": .string(context.user), "role": .string(context.role), "type": .string(context.type),
                "level": .string(context.level),
            ]
        case .appArmorProfile(let profile): ["profile": .string(profile)]
        case .oomScoreAdjustment(let number), .cpuShares(let number): JSONValue(number)
        case .sysctl(let values):
            .object(
                JSONObject(
                    values.sorted { $0.key < $1.key }.map { JSONObject.Member(key: $0.key, value: .string($0.value)) }))
        }
    }
}

extension ResourceRange {
    fileprivate init(field: ManifestField) throws(ManifestError) {
        _ = try field.requiredObject()
        if try field["default"].bool() ?? false { throw field["default"].failure("must not be true") }
        self.init(request: try field["request"].quantity(), limit: try field["limit"].quantity())
    }

    fileprivate var json: JSONValue {
        var object = JSONObject()
        if let request { object.set("request", .string(request.description)) }
        if let limit { object.set("limit", .string(limit.description)) }
        return .object(object)
    }
}

extension SeccompSet {
    fileprivate init(field: ManifestField, forbidden: String) throws(ManifestError) {
        let calls = try field.nonEmptySet()
        guard !calls.contains(forbidden) else {
            throw field["set"].failure("\(ScalarError.quoted(forbidden)) has no meaning in this set")
        }
        let name = try field["errno"].string() ?? ""
        guard name.isEmpty || ErrorNumber.isWellFormed(name) else {
            throw field["errno"].failure("\(ScalarError.quoted(name)) is not the name of an error such as EPERM")
        }
        self.init(calls: calls, errno: name.isEmpty ? nil : name)
    }

    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.set("set", .array(calls.map { .string($0) }))
        if let errno { object.set("errno", .string(errno)) }
        return .object(object)
    }
}

extension SELinuxContext {
    fileprivate init(field: ManifestField) throws(ManifestError) {
        _ = try field.requiredObject()
        for key in ["user", "role", "type"] where try field[key].requiredString().contains(":") {
            throw field[key].failure("must not contain ':'")
        }
        self.init(
            user: try field["user"].requiredString(), role: try field["role"].requiredString(),
            type: try field["type"].requiredString(), level: try field["level"].requiredString())
    }
}

extension ManifestField {
    fileprivate func requiredObject() throws(ManifestError) -> JSONObject {
        guard let object = try object() else { throw failure("must be an object") }
        return object
    }

    /// The member `set`: at least one text, none empty.
    fileprivate func nonEmptySet() throws(ManifestError) -> [String] {
        _ = try requiredObject()
        let names = try self["set"].strings()
        guard !names.isEmpty else { throw self["set"].failure("must not be empty") }
        return names
    }

    /// The limit of an isolator that always applies to all devices and knows no request.
    fileprivate func defaultLimit() throws(ManifestError) -> Quantity? {
        _ = try requiredObject()
        guard try self["default"].bool() ?? false else { throw self["default"].failure("must be true") }
        guard self["request"].isAbsent else { throw self["request"].failure("is not allowed here") }
        return try self["limit"].quantity()
    }

    /// A non-negative quantity, as text with blanks around it allowed or as a number; nil when absent or null.
    fileprivate func quantity() throws(ManifestError) -> Quantity? {
        let text: String
        switch value {
        case nil, .null?: return nil
        case .number(let literal)?: text = literal
        default: text = ASCII.trimmingBlanks(try string() ?? "")
        }
        do throws(ScalarError) {
            let quantity = try Quantity(parsing: text)
            guard !quantity.isNegative else { throw ScalarError(text, "is negative") }
            return quantity
        } catch {
            throw failure(error.description)
        }
    }
}
