// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// The table of `list`: a line for each app, the pod's own columns on its first line only.
package enum PodTable {
    package static func table(_ pods: [PodStatus], full: Bool, legend: Bool, now: Int64) -> TabbedTable {
        var table = TabbedTable()
        if legend {
            table.append(
                ["UUID", "APP", "IMAGE NAME"] + (full ? ["IMAGE ID"] : [])
                    + ["STATE", "CREATED", "STARTED", "NETWORKS"])
        }
        for pod in pods {
            let uuid = full ? pod.uuid.description : String(pod.uuid.description.prefix(8))
            let facts = [
                pod.state.description, time(pod.createdAt, full, now), time(pod.startedAt, full, now),
                StatusText.networks(pod.networks),
            ]
            // A pod that cannot be read, or is just being made, has no apps and is shown all the same.
            table.append([uuid] + app(pod.apps.first, full) + facts)
            for other in pod.apps.dropFirst() {
                table.append([""] + app(other, full) + facts.map { _ in "" })
            }
        }
        return table
    }

    private static func app(_ app: AppStatus?, _ full: Bool) -> [String] {
        [app?.name ?? "", app?.imageName ?? ""] + (full ? [app?.imageID?.short ?? ""] : [])
    }

    private static func time(_ time: Int64?, _ full: Bool, _ now: Int64) -> String {
        guard let time else { return "" }
        return full ? TimeText.absolute(time) : TimeText.relative(time, to: now)
    }
}
