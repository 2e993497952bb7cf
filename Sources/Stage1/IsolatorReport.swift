// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// What becomes of the isolators that a pod and its apps ask for.
struct IsolatorReport: Equatable {
    enum Effect: String {
        case enforced
        /// Enforced, but not as it is asked for.
        case changed
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
        /// What is set in the guest, or why that is not what was asked for.
        var becomes: String?
    }

    let entries: [Entry]

    /// For groups that are not rkt's to divide (systemd.resource-control(5)).
    private static let remedy =
        "start it with \"systemd-run --scope -p Delegate=yes\", or as the only program of a unit with Delegate=yes"

    /// More are left out of the record; names are cut.
    private static let mostRecorded = 1000
    private static let longestName = 200

    /// - Parameters:
    ///   - processors: those of the pod's machine.
    ///   - controllers: the kernel's that limit the apps' control groups, such as "memory"; nil for all.
    ///   - hasAgent: whether there is anything in the pod beside its apps that enforces isolators.
    init(
        pod: [Isolator], apps: [(name: String, isolators: [Isolator], arguments: EntrypointArguments)], processors: Int,
        controllers: Set<String>? = nil, hasAgent: Bool = true
    ) {
        entries =
            pod.map { Entry(app: nil, isolator: $0.name, effect: hasAgent ? Self.effect(ofPod: $0) : .ignored) }
            + apps.flatMap { app in
                app.isolators.map { isolator -> Entry in
                    guard hasAgent else {
                        return Entry(
                            app: app.name, isolator: isolator.name, effect: Self.effectAlone(isolator, app.arguments))
                    }
                    if let controller = Self.controller(of: isolator), controllers?.contains(controller) == false {
                        let reason =
                            "the control group of rkt does not pass the controller \(controller) on; \(Self.remedy)"
                        return Entry(app: app.name, isolator: isolator.name, effect: .ignored, becomes: reason)
                    }
                    let (effect, becomes) = Self.effect(ofApp: isolator, app.arguments, processors)
                    return Entry(app: app.name, isolator: isolator.name, effect: effect, becomes: becomes)
                }
            }
    }

    /// A line for each isolator that does nothing, or something else. Names in filters are told elsewhere.
    var warnings: [String] {
        entries.compactMap { entry in
            let whose = entry.app.map { "app \($0)" } ?? "the pod"
            switch entry.effect {
            case .ignored:
                let reason = entry.becomes.map { ": \($0)" } ?? ""
                return "isolator \(entry.isolator.prefix(Self.longestName)) of \(whose) is not enforced\(reason)"
            case .changed:
                guard !entry.isolator.hasPrefix("os/linux/seccomp-") else { return nil }
                return "isolator \(entry.isolator) of \(whose) is changed: \(entry.becomes ?? "")"
            case .enforced, .disabled: return nil
            }
        }
    }

    var json: JSONValue {
        .array(
            entries.prefix(Self.mostRecorded).map { entry in
                var object = JSONObject()
                if let app = entry.app { object.set("app", .string(app)) }
                object.set("isolator", .string(String(entry.isolator.prefix(Self.longestName))))
                object.set("effect", .string(entry.effect.rawValue))
                if let becomes = entry.becomes { object.set("becomes", .string(becomes)) }
                return .object(object)
            })
    }

    /// The controller that an isolator's limit takes (systemd.resource-control(5)).
    private static func controller(of isolator: Isolator) -> String? {
        switch isolator.kind {
        case .memory: "memory"
        case .cpu, .cpuShares: "cpu"
        default: nil
        }
    }

    /// What is left of an isolator where the app is all there is.
    private static func effectAlone(_ isolator: Isolator, _ arguments: EntrypointArguments) -> Effect {
        switch isolator.kind {
        case .noNewPrivileges: .enforced
        case .capabilitiesRetainSet, .capabilitiesRemoveSet: arguments.restrictsCapabilities ? .ignored : .disabled
        case .seccompRetainSet, .seccompRemoveSet: arguments.filtersSystemCalls ? .ignored : .disabled
        default: .ignored
        }
    }

    private static func effect(ofPod isolator: Isolator) -> Effect {
        if case .sysctl? = isolator.kind { .enforced } else { .ignored }
    }

    private static func effect(
        ofApp isolator: Isolator, _ arguments: EntrypointArguments, _ processors: Int
    ) -> (Effect, String?) {
        switch isolator.kind {
        case .memory(let range):
            guard let limit = range.limit else { return (.ignored, nil) }
            return (.enforced, "MemoryMax=\(limit.value)")
        case .cpu(let range):
            guard let limit = range.limit else { return (.ignored, nil) }
            return effect(ofCores: limit, processors)
        case .cpuShares(let shares): return (.enforced, "CPUShares=\(shares)")
        case .oomScoreAdjustment(let number) where !arguments.canSet(oomScoreAdjust: number):
            return (.ignored, "with --private-users no app can be protected more than rkt is")
        case .oomScoreAdjustment(let number): return (.enforced, "OOMScoreAdjust=\(number)")
        case .capabilitiesRetainSet, .capabilitiesRemoveSet:
            return (arguments.restrictsCapabilities ? .enforced : .disabled, nil)
        case .seccompRetainSet(let set): return effect(of: set, .retain, arguments)
        case .seccompRemoveSet(let set): return effect(of: set, .remove, arguments)
        case .noNewPrivileges: return (.enforced, nil)
        default: return (.ignored, nil)
        }
    }

    private static func effect(ofCores limit: Quantity, _ processors: Int) -> (Effect, String?) {
        guard let milli = limit.milli, milli <= Int64(processors) * 1000 else {
            return (.changed, "the machine has no more than \(processors) processors")
        }
        guard milli > 0 else { return (.changed, "an app that runs has at least CPUQuota=0.1%") }
        return (.enforced, "CPUQuota=\(milli / 10).\(milli % 10)%")
    }

    private static func effect(
        of set: SeccompSet, _ mode: SystemCallFilter.Mode, _ arguments: EntrypointArguments
    ) -> (Effect, String?) {
        guard arguments.filtersSystemCalls else { return (.disabled, nil) }
        guard !set.calls.contains(mode == .retain ? SeccompSet.allCalls : SeccompSet.noCalls) else {
            return (.enforced, mode == .retain ? "no filter" : "the filter of an app without an isolator")
        }
        let unknown = SystemCallFilter(mode: mode, calls: set.calls).unknown(known: SystemCallProgram.knownNames).count
        guard unknown > 0 else { return (.enforced, nil) }
        guard unknown == set.calls.count else {
            return (.changed, "\(unknown) of the \(set.calls.count) names in its list are unknown")
        }
        let calls =
            mode == .retain ? "only what a process needs to begin, sleep and end is allowed" : "nothing is blocked"
        return (.changed, "no name in its list is known: \(calls)")
    }
}
