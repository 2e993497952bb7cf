// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// What becomes of the isolators that a pod and its apps ask for.
struct IsolatorReport: Equatable {
    enum Effect: String {
        case enforced
        /// Switched off by --insecure-options.
        case disabled
        /// Nothing in this stage1 does it.
        case ignored
    }

    struct Entry: Equatable {
        /// Nil for the pod's own.
        let app: String?
        let isolator: String
        let effect: Effect
    }

    let entries: [Entry]

    init(pod: [Isolator], apps: [(name: String, isolators: [Isolator], arguments: EntrypointArguments)]) {
        entries =
            pod.map { Entry(app: nil, isolator: $0.name, effect: Self.effect(ofPod: $0)) }
            + apps.flatMap { app in
                app.isolators.map {
                    Entry(app: app.name, isolator: $0.name, effect: Self.effect(ofApp: $0, app.arguments))
                }
            }
    }

    /// A line for each isolator that does nothing.
    var warnings: [String] {
        entries.filter { $0.effect == .ignored }.map { entry in
            "isolator \(entry.isolator) of \(entry.app.map { "app \($0)" } ?? "the pod") is not enforced"
        }
    }

    var json: JSONValue {
        .array(
            entries.map { entry in
                var object = JSONObject()
                if let app = entry.app { object.set("app", .string(app)) }
                object.set("isolator", .string(entry.isolator))
                object.set("effect", .string(entry.effect.rawValue))
                return .object(object)
            })
    }

    private static func effect(ofPod isolator: Isolator) -> Effect {
        if case .sysctl? = isolator.kind { .enforced } else { .ignored }
    }

    private static func effect(ofApp isolator: Isolator, _ arguments: EntrypointArguments) -> Effect {
        switch isolator.kind {
        case .memory(let range), .cpu(let range): range.limit == nil ? .ignored : .enforced
        case .capabilitiesRetainSet, .capabilitiesRemoveSet:
            arguments.restrictsCapabilities ? .enforced : .disabled
        case .seccompRetainSet, .seccompRemoveSet: arguments.filtersSystemCalls ? .enforced : .disabled
        case .noNewPrivileges, .oomScoreAdjustment, .cpuShares: .enforced
        default: .ignored
        }
    }
}
