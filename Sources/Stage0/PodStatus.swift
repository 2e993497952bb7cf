// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import PodStore

/// What `status` and `list` show of one pod. Times are nanoseconds since 1970; what is not known is nil.
package struct PodStatus: Sendable {
    package let uuid: PodUUID
    package let state: PodState
    package var createdAt: Int64?
    package var startedAt: Int64?
    package var markedAt: Int64?
    package var pid: Int32?
    package var hasExited: Bool
    /// The array of `net-info.json`.
    package var networks: JSONValue?
    /// What machine runs or ran it.
    package var machine: JSONValue?
    /// The images that it was made of, and what vouched for them.
    package var images: JSONValue?
    /// Microseconds that each step before stage1 took.
    package var preparation: JSONValue?
    /// Microseconds from the start of the supervisor, and of the guest's kernel for `guest.*`, to each step.
    package var startLedger: JSONValue?
    /// How the pod ended.
    package var end: JSONValue?
    package var apps: [AppStatus] = []
    package var userAnnotations: [String: String] = [:]
    package var userLabels: [String: String] = [:]
    /// Why parts are missing, for a pod whose directory cannot be read.
    package var error: String?
}

extension PodStatus {
    /// A pod of which nothing more is known.
    package init(_ uuid: PodUUID, _ state: PodState) {
        self.init(uuid: uuid, state: state, hasExited: state.hasExited)
    }
}

/// What `status` and `list` show of one app.
package struct AppStatus: Sendable {
    package enum Phase: String, Sendable {
        case created, running, exited
    }

    package let name: String
    /// Name of the image, `:version` attached where it has one.
    package var imageName: String
    package var imageID: ImageID?
    package var phase: Phase
    package var createdAt: Int64?
    package var startedAt: Int64?
    package var finishedAt: Int64?
    package var exitStatus: Int32?
    /// Why it ended, one word.
    package var exitCause: String?

    package init(
        name: String, imageName: String, imageID: ImageID? = nil, phase: Phase, createdAt: Int64? = nil,
        startedAt: Int64? = nil, finishedAt: Int64? = nil, exitStatus: Int32? = nil, exitCause: String? = nil
    ) {
        self.name = name
        self.imageName = imageName
        self.imageID = imageID
        self.phase = phase
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitStatus = exitStatus
        self.exitCause = exitCause
    }
}

extension AppStatus {
    /// An app of which nothing more is known.
    package init(_ name: String, _ imageName: String, _ imageID: ImageID?, _ phase: Phase) {
        self.init(name: name, imageName: imageName, imageID: imageID, phase: phase)
    }
}

/// How much of a pod is looked at.
package enum PodDetail: Sendable {
    /// What the table of `list` shows. The state of single apps is not.
    case table
    /// All but the records of its machine, its start and its end.
    case apps
    case everything
}
