// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a pod consists of.
package struct PodManifest: Hashable, Sendable {
    /// Lists that are written as `[]` when empty; the others are written as `null`, as lists never set are.
    package struct EmptyLists: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let apps = EmptyLists(rawValue: 1)
        package static let volumes = EmptyLists(rawValue: 2)
        package static let isolators = EmptyLists(rawValue: 4)
        package static let annotations = EmptyLists(rawValue: 8)
        package static let ports = EmptyLists(rawValue: 16)
    }

    /// The version of the specification the manifest was written for.
    package var acVersion: ACVersion
    /// The apps, each name once.
    package var apps: [RuntimeApp]
    /// What the apps may mount, each name once.
    package var volumes: [Volume]
    /// Outer bounds on the isolators of the apps.
    package var isolators: [Isolator]
    package var annotations: Annotations
    /// Ports that are reachable on the host.
    package var ports: [ExposedPort]
    /// Free texts that must not influence the runtime.
    package var userAnnotations: [String: String]
    /// Free texts that must not influence the runtime.
    package var userLabels: [String: String]
    /// Remembers `[]` from `null`, since metadata answers must use the same as the manifest.
    package var emptyLists: EmptyLists

    package init(
        acVersion: ACVersion = .current, apps: [RuntimeApp] = [], volumes: [Volume] = [], isolators: [Isolator] = [],
        annotations: Annotations = [], ports: [ExposedPort] = [], userAnnotations: [String: String] = [:],
        userLabels: [String: String] = [:], emptyLists: EmptyLists = []
    ) {
        self.acVersion = acVersion
        self.apps = apps
        self.volumes = volumes
        self.isolators = isolators
        self.annotations = annotations
        self.ports = ports
        self.userAnnotations = userAnnotations
        self.userLabels = userLabels
        self.emptyLists = emptyLists
    }

    /// Reads a manifest, which may be a template: image IDs may be missing, and so may `acVersion`, which then is
    /// ``ACVersion/current``. Everything else that breaks a rule is an error that names the field.
    package init(parsing document: some Collection<UInt8>) throws(ManifestError) {
        let field = try ManifestField(parsing: document, kind: PodManifest.kind)
        self.init(acVersion: try field["acVersion"].scalar(ACVersion.init(parsing:)) ?? .current)
        apps = try field["apps"].list(RuntimeApp.init(field:))
        volumes = try field["volumes"].list(Volume.init(field:))
        isolators = try [Isolator](field: field["isolators"])
        annotations = try Annotations(field: field["annotations"])
        ports = try field["ports"].list(ExposedPort.init(field:))
        userAnnotations = try field["userAnnotations"].stringMap()
        userLabels = try field["userLabels"].stringMap()
        try field["apps"].checkUnique(apps.map(\.name))
        try field["volumes"].checkUnique(volumes.map(\.name))
        for (key, list) in PodManifest.listKeys where !field[key].isAbsent { emptyLists.insert(list) }
    }

    static let kind = "PodManifest"

    private static let listKeys: [(String, EmptyLists)] = [
        ("apps", .apps), ("volumes", .volumes), ("isolators", .isolators), ("annotations", .annotations),
        ("ports", .ports),
    ]

    /// The app of this name, nil when the pod lacks it.
    package func app(named name: String) -> RuntimeApp? { apps.first { $0.name.string == name } }

    /// The value of an annotation, nil when the pod lacks it.
    package func annotation(_ name: String) -> String? { annotations[name] }

    /// What a user should be told although the manifest is accepted, one sentence each.
    package var warnings: [String] {
        acVersion.warnings(of: "the pod") + isolators.warnings(of: "the pod")
            + apps.flatMap { app in app.app?.isolators.warnings(of: "app \(app.name)") ?? [] }
    }

    /// The manifest as JSON in the order of the schema.
    package func encoded(pretty: Bool = false) -> String {
        var object = JSONObject()
        object.set("acVersion", .string(acVersion.string))
        object.set("acKind", .string(PodManifest.kind))
        object.set("apps", list(apps.map(\.json), .apps))
        object.set("volumes", list(volumes.map(\.json), .volumes))
        object.set("isolators", list(isolators.map(\.json), .isolators))
        object.set("annotations", annotationsJSON)
        object.set("ports", list(ports.map(\.json), .ports))
        object.setUnlessEmpty("userAnnotations", userAnnotations)
        object.setUnlessEmpty("userLabels", userLabels)
        return JSONValue.object(object).encoded(pretty: pretty)
    }

    /// The annotations as the manifest writes them, which metadata queries answer with.
    package var annotationsJSON: JSONValue { list(annotations.json.array ?? [], .annotations) }

    private func list(_ elements: [JSONValue], _ name: EmptyLists) -> JSONValue {
        elements.isEmpty && !emptyLists.contains(name) ? .null : .array(elements)
    }
}

extension ManifestField {
    /// Refuses names that stand twice in a list of objects.
    fileprivate func checkUnique(_ names: [ACName]) throws(ManifestError) {
        var seen: Set<ACName> = []
        for (index, name) in names.enumerated() where !seen.insert(name).inserted {
            throw ManifestField(nil, path: .element(path, index))["name"]
                .failure("\(ScalarError.quoted(name.string)) stands twice in the list")
        }
    }
}
