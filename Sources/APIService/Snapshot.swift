// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import PodStore
import RktAPI
import Stage0

/// A pod as far as events tell of it.
package struct PodLook: Sendable, Equatable {
    package struct App: Sendable, Equatable {
        package var name: String
        package var hasStarted: Bool
        package var hasExited: Bool
        package var exitStatus: Int32?

        package init(name: String, hasStarted: Bool = false, hasExited: Bool = false, exitStatus: Int32? = nil) {
            self.name = name
            self.hasStarted = hasStarted
            self.hasExited = hasExited
            self.exitStatus = exitStatus
        }
    }

    package var state: PodState
    /// Whether its supervisor has come up.
    package var hasStarted: Bool
    package var apps: [App]

    package init(state: PodState, hasStarted: Bool = false, apps: [App] = []) {
        self.state = state
        self.hasStarted = hasStarted
        self.apps = apps
    }

    init(_ status: PodStatus) {
        self.init(state: status.state, hasStarted: status.startedAt != nil)
        apps = status.apps.map { app in
            App(
                name: app.name, hasStarted: hasStarted && app.startedAt != nil,
                hasExited: hasStarted && app.phase == .exited, exitStatus: app.exitStatus)
        }
    }
}

/// All pods and images at one moment, as far as events tell of them.
package struct Snapshot: Sendable, Equatable {
    package var pods: [PodUUID: PodLook] = [:]
    /// Names by ID.
    package var images: [String: String] = [:]

    package init() {}

    /// What has happened since another snapshot: for each pod in its order, then the images.
    ///
    /// - Parameter time: seconds since 1970.
    package func events(since old: Snapshot, at time: Int64) -> [V1alpha_Event] {
        var events: [V1alpha_Event] = []
        func add(_ type: V1alpha_EventType, _ id: String, _ from: String = "", _ data: [V1alpha_KeyValue] = []) {
            var event = V1alpha_Event()
            event.type = type
            event.id = id
            event.from = from
            event.time = time
            event.data = data
            events.append(event)
        }
        for uuid in Set(pods.keys).union(old.pods.keys).sorted() {
            let id = uuid.description
            let before = old.pods[uuid]
            guard let now = pods[uuid] else {
                add(.podGarbageCollected, id)
                continue
            }
            if now.state == .prepared, before?.state != .prepared { add(.podPrepared, id) }
            if now.state == .abortedPrepare, before?.state != .abortedPrepare { add(.podPrepareAborted, id) }
            if now.hasStarted, before?.hasStarted != true { add(.podStarted, id) }
            for app in now.apps {
                let earlier = before?.apps.first { $0.name == app.name }
                let startsAgain = earlier?.hasExited == true && !app.hasExited
                if app.hasStarted, earlier?.hasStarted != true || startsAgain { add(.appStarted, id, app.name) }
            }
            for app in now.apps {
                let earlier = before?.apps.first { $0.name == app.name }
                guard app.hasExited, earlier?.hasExited != true else { continue }
                add(.appExited, id, app.name, app.exitStatus.map { [V1alpha_KeyValue("exit_code", "\($0)")] } ?? [])
            }
            if now.state.hasExited, before?.state.hasExited != true { add(.podExited, id) }
        }
        for id in images.keys.sorted() where old.images[id] == nil { add(.imageImported, id, images[id] ?? "") }
        for id in old.images.keys.sorted() where images[id] == nil { add(.imageRemoved, id, old.images[id] ?? "") }
        return events
    }
}
