// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import PodStore
import RktAPI
import Stage0

extension V1alpha_PodFilter {
    /// What can be decided before anything of the pod is read.
    package func mayPass(_ uuid: PodUUID, _ state: PodState) -> Bool {
        (ids.isEmpty || ids.contains(uuid.description))
            && (states.isEmpty || states.contains(V1alpha_PodState(state)))
    }

    /// Whether a pod passes every field that is not empty. One that cannot be read passes on `ids` and `states` only.
    package func passes(_ facts: PodFacts, _ pod: V1alpha_Pod) -> Bool {
        guard mayPass(facts.status.uuid, facts.status.state) else { return false }
        let asksForMore =
            !(appNames.isEmpty && imageIds.isEmpty && networkNames.isEmpty && annotations.isEmpty && cgroups.isEmpty
            && podSubCgroups.isEmpty)
        guard asksForMore else { return true }
        guard facts.isReadable else { return false }
        return appNames.allSatisfy { name in pod.apps.contains { $0.name == name } }
            && imageIds.allSatisfy { id in pod.apps.contains { $0.image.id == id } }
            && networkNames.allSatisfy { name in pod.networks.contains { $0.name == name } }
            && annotations.allSatisfy(pod.annotations.contains)
            && (cgroups.isEmpty || !pod.cgroup.isEmpty && cgroups.contains(pod.cgroup))
            && (podSubCgroups.isEmpty || podSubCgroups.contains { ControlGroupText.isBelow($0, pod.cgroup) })
    }

    /// The first thing that no pod could be asked for; nil when there is none.
    package var flaw: String? {
        if ids.contains("") { return "an empty ID in a filter" }
        return states.contains { !$0.isKnown } ? "a state in a filter that there is not" : nil
    }
}

extension [V1alpha_PodFilter] {
    /// The pods that all filters name; nil when other pods may pass, too.
    package var onlyPods: [PodUUID]? {
        guard !isEmpty, allSatisfy({ !$0.ids.isEmpty }) else { return nil }
        return Set(flatMap(\.ids).compactMap { try? PodUUID(parsing: $0) }).sorted()
    }
}

extension V1alpha_PodState {
    /// Whether it is a state that pods have.
    var isKnown: Bool {
        switch self {
        case .undefined, .UNRECOGNIZED: false
        default: true
        }
    }
}
