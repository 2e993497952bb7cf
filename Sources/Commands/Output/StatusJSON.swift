// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// What `status` and `list` print for programs; keys without a value are left out.
package enum StatusJSON {
    package static func object(_ status: PodStatus) -> JSONValue {
        var members: [(String, JSONValue?)] = [
            ("name", .string(status.uuid.description)),
            ("state", .string(status.state.description)),
            ("networks", status.networks.flatMap { $0.array?.isEmpty == false ? $0 : nil }),
        ]
        if !status.apps.isEmpty {
            members.append(("app_names", .array(status.apps.map { .string($0.name) })))
            members.append(("apps", .array(status.apps.map(app))))
        }
        members.append(("created_at", seconds(status.createdAt)))
        members.append(("started_at", seconds(status.startedAt)))
        members.append(("user_annotations", object(status.userAnnotations)))
        members.append(("user_labels", object(status.userLabels)))
        return object(members)
    }

    private static func app(_ app: AppStatus) -> JSONValue {
        object([
            ("name", .string(app.name)),
            ("state", .string(app.phase.rawValue)),
            ("created_at", app.createdAt.map(number)),
            ("started_at", app.startedAt.map(number)),
            ("finished_at", app.finishedAt.map(number)),
            ("exit_code", app.exitStatus.map { number(Int64($0)) }),
            ("image_id", app.imageID.map { .string($0.key) }),
        ])
    }

    private static func object(_ pairs: [String: String]) -> JSONValue? {
        pairs.isEmpty ? nil : object(pairs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }

    private static func object(_ members: [(String, JSONValue?)]) -> JSONValue {
        .object(JSONObject(members.compactMap { key, value in value.map { JSONObject.Member(key: key, value: $0) } }))
    }

    private static func number(_ value: Int64) -> JSONValue { .number(String(value)) }

    private static func seconds(_ nanoseconds: Int64?) -> JSONValue? { nanoseconds.map { number($0 / 1_000_000_000) } }
}
