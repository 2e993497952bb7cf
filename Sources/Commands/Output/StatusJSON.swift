// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// What `status` and `list` print for programs; keys without a value are left out.
package enum StatusJSON {
    package static func object(_ status: PodStatus) -> JSONValue {
        object([
            ("name", .string(status.uuid.description)),
            ("state", .string(status.state.description)),
            ("networks", list(status.networks?.array ?? [])),
            ("app_names", list(status.apps.map { .string($0.name) })),
            ("apps", list(status.apps.map(object))),
            ("created_at", seconds(status.createdAt)),
            ("started_at", seconds(status.startedAt)),
            ("user_annotations", object(status.userAnnotations)),
            ("user_labels", object(status.userLabels)),
            ("machine", status.machine),
            ("images", status.images),
            ("preparation", status.preparation),
            ("start_up", status.startLedger),
            ("end", status.end),
        ])
    }

    package static func object(_ app: AppStatus) -> JSONValue {
        object([
            ("name", .string(app.name)),
            ("state", .string(app.phase.rawValue)),
            ("created_at", app.createdAt.map(number)),
            ("started_at", app.startedAt.map(number)),
            ("finished_at", app.finishedAt.map(number)),
            ("exit_code", app.exitStatus.map { number(Int64($0)) }),
            ("exit_cause", app.exitCause.map { .string($0) }),
            ("image_id", app.imageID.map { .string($0.key) }),
        ])
    }

    private static func object(_ pairs: [String: String]) -> JSONValue? {
        // A plain nil would be JSON's null.
        if pairs.isEmpty { return Optional.none }
        return object(pairs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }

    private static func list(_ elements: [JSONValue]) -> JSONValue? {
        elements.isEmpty ? Optional.none : .array(elements)
    }

    private static func object(_ members: [(String, JSONValue?)]) -> JSONValue {
        .object(JSONObject(members.compactMap { key, value in value.map { JSONObject.Member(key: key, value: $0) } }))
    }

    private static func number(_ value: Int64) -> JSONValue { .number(String(value)) }

    private static func seconds(_ nanoseconds: Int64?) -> JSONValue? { nanoseconds.map { number($0 / 1_000_000_000) } }
}
