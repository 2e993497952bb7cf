// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What the configuration directories of the system, the host and the user say together.
package struct HostConfiguration: Sendable {
    /// All kinds there are. What stands in their directories and is of none of them is refused.
    package static let kinds: [any ConfigurationKind.Type] = [
        AuthConfiguration.self, DockerAuthConfiguration.self, PathsConfiguration.self, Stage1Configuration.self,
        LimitsConfiguration.self, HypervisorConfiguration.self, MeasurementConfiguration.self,
    ]

    private var values: [String: any ConfigurationKind] = [:]

    /// Nothing is configured.
    package init() {}

    /// Reads directories; each overrides those before it.
    ///
    /// - Parameter wanted: the kinds to read. Files of other kinds that share a directory with them are checked, too.
    /// - Throws: `RuntimeError` naming the file, and the line or field in it.
    package init(
        reading places: [ConfigurationPlace], _ wanted: [any ConfigurationKind.Type] = HostConfiguration.kinds
    ) throws {
        let directories = Set(wanted.map { $0.directory })
        for place in places {
            var found: [String: any ConfigurationKind] = [:]
            for directory in directories.sorted() {
                for document in try place.documents(in: directory) {
                    let kind = try HostConfiguration.kind(of: document, in: directory)
                    var value = found[kind.name] ?? kind.init()
                    try value.add(document)
                    found[kind.name] = value
                }
            }
            for (name, value) in found { values[name] = HostConfiguration.merged(values[name], value) }
        }
    }

    /// What is configured of a kind.
    package subscript<Kind: ConfigurationKind>(_ kind: Kind.Type) -> Kind { values[Kind.name] as? Kind ?? Kind() }

    /// Everything that is configured as `rkt config` shows it: entries in the form of configuration files.
    package var json: JSONValue {
        let entries = HostConfiguration.kinds.flatMap { kind in
            (values[kind.name]?.entries ?? []).map { HostConfiguration.document(kind, $0) }
        }
        return ["stage0": .array(entries)]
    }

    /// A configuration file with an entry.
    static func document(_ kind: any ConfigurationKind.Type, _ entry: JSONObject) -> JSONValue {
        let header = [
            JSONObject.Member(key: "rktVersion", value: "v1"),
            JSONObject.Member(key: "rktKind", value: .string(kind.name)),
        ]
        return .object(JSONObject(header + entry.members))
    }

    /// Which kind a file is of.
    ///
    /// - Throws: when there is no such kind, or its files belong elsewhere.
    static func kind(
        of document: ConfigurationDocument, in directory: String
    ) throws -> any ConfigurationKind.Type {
        let name = try document.root["rktKind"].requiredString()
        guard let kind = kinds.first(where: { $0.name == name }) else {
            let known = kinds.map { $0.name }.joined(separator: ", ")
            throw document.root["rktKind"].failure("\(ScalarError.quoted(name)) is not a known kind: use \(known)")
        }
        guard kind.directory == directory else {
            throw document.root["rktKind"].failure(
                "files of the kind \(name) belong into \(kind.directory), not \(directory)")
        }
        let version = try document.root["rktVersion"].requiredString()
        guard version == "v1" else {
            throw document.root["rktVersion"].failure(
                "\(ScalarError.quoted(version)) is not a known version of the kind \(name): use v1")
        }
        return kind
    }

    private static func merged(
        _ old: (any ConfigurationKind)?, _ new: any ConfigurationKind
    ) -> any ConfigurationKind {
        func override<Kind: ConfigurationKind>(_ new: Kind) -> any ConfigurationKind {
            guard var result = old as? Kind else { return new }
            result.override(with: new)
            return result
        }
        return override(new)
    }
}
