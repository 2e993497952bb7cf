// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import FoundationEssentials
import PodStore
import RktAPI
import Stage0

extension V1alpha_Pod {
    /// A pod as clients see it.
    package init(_ facts: PodFacts) {
        self.init()
        let status = facts.status
        id = status.uuid.description
        pid = status.pid ?? 0
        state = V1alpha_PodState(status.state)
        apps = status.apps.map { V1alpha_App($0, facts) }
        networks = V1alpha_Network.networks(status.networks)
        if let text = facts.encodedManifest { manifest = Data(text.utf8) }
        annotations = (facts.manifest?.annotations).map { V1alpha_KeyValue.list($0) } ?? []
        cgroup = facts.controlGroup
        createdAt = status.createdAt ?? 0
        startedAt = status.startedAt ?? 0
        gcMarkedAt = status.markedAt ?? 0
        userAnnotations = V1alpha_KeyValue.list(status.userAnnotations)
        userLabels = V1alpha_KeyValue.list(status.userLabels)
    }
}

extension V1alpha_PodState {
    package init(_ state: PodState) {
        self =
            switch state {
            case .embryo: .embryo
            case .preparing: .preparing
            case .abortedPrepare: .abortedPrepare
            case .prepared: .prepared
            case .running: .running
            case .exited: .exited
            case .exitedDeleting, .deleting: .deleting
            case .exitedGarbage, .garbage: .garbage
            }
    }
}

extension V1alpha_App {
    init(_ app: AppStatus, _ facts: PodFacts) {
        self.init()
        name = app.name
        image.id = app.imageID?.key ?? ""
        // No identifier has a colon.
        let parts = app.imageName.split(separator: ":", maxSplits: 1)
        image.name = parts.first.map(String.init) ?? ""
        if parts.count == 2 { image.version = String(parts[1]) }
        if let bytes = facts.imageManifests[app.name] { image.manifest = Data(bytes) }
        state =
            switch app.phase {
            case .created: .created
            case .running: .running
            case .exited: .exited
            }
        exitCode = app.exitStatus ?? 0
        annotations = (facts.manifest?.app(named: app.name)?.annotations).map { V1alpha_KeyValue.list($0) } ?? []
        startedAt = app.startedAt ?? 0
        finishedAt = app.finishedAt ?? 0
    }
}

extension V1alpha_Network {
    /// The networks that `net-info.json` tells of: elements of one name are one, where their addresses are of different
    /// families.
    package static func networks(_ info: JSONValue?) -> [V1alpha_Network] {
        var result: [V1alpha_Network] = []
        for element in info?.array ?? [] {
            guard let name = element.value(forKey: "netName")?.string else { continue }
            let address = element.value(forKey: "ip")?.string ?? ""
            let family: WritableKeyPath<V1alpha_Network, String> = address.contains(":") ? \.ipv6 : \.ipv4
            if let index = result.firstIndex(where: { $0.name == name && $0[keyPath: family].isEmpty }),
                !address.isEmpty
            {
                result[index][keyPath: family] = address
                continue
            }
            var network = V1alpha_Network()
            network.name = name
            network[keyPath: family] = address
            result.append(network)
        }
        return result
    }
}

extension V1alpha_KeyValue {
    package init(_ key: String, _ value: String) {
        self.init()
        self.key = key
        self.value = value
    }

    /// In their order.
    static func list<Element>(_ values: NamedValues<Element>) -> [V1alpha_KeyValue] {
        values.map { V1alpha_KeyValue($0.name.description, $0.value) }
    }

    /// By their keys.
    static func list(_ values: [String: String]) -> [V1alpha_KeyValue] {
        values.sorted { $0.key < $1.key }.map { V1alpha_KeyValue($0.key, $0.value) }
    }
}
