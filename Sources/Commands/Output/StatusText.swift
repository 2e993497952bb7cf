// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// What `status` and `list` show of a pod, in words.
package enum StatusText {
    /// `key=value` lines, those that make sense in the pod's state.
    package static func lines(_ status: PodStatus) -> String {
        var lines = ["state=\(status.state)"]
        if let created = status.createdAt { lines.append("created=\(TimeText.absolute(created))") }
        guard status.state.hasRun else { return lines.map { $0 + "\n" }.joined() }
        if let started = status.startedAt { lines.append("started=\(TimeText.absolute(started))") }
        lines.append("networks=\(networks(status.networks))")
        if let pid = status.pid { lines.append("pid=\(pid)") }
        lines.append("exited=\(status.hasExited)")
        for app in status.apps {
            if let code = app.exitStatus { lines.append("app-\(app.name)=\(code)") }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// `default:ip4=172.16.28.2,other:ip4=…`
    package static func networks(_ networks: JSONValue?) -> String {
        (networks?.array ?? []).compactMap { network in
            guard let name = network.value(forKey: "netName")?.string else { return nil }
            let address = network.value(forKey: "ip")?.string ?? ""
            return address.isEmpty ? name : "\(name):ip4=\(address)"
        }.joined(separator: ",")
    }
}
