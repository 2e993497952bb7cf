// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// Apps as `rkt app list` and `rkt app status` print them.
package enum AppText {
    package static func list(_ apps: [AppStatus], legend: Bool, _ format: OutputFormat) -> String {
        switch format {
        case .text:
            var table = TabbedTable()
            if legend { table.append(["NAME", "STATE"]) }
            for app in apps { table.append([app.name, app.phase.rawValue]) }
            return table.text
        case .json: return JSONValue.array(apps.map(StatusJSON.object)).encoded(pretty: false) + "\n"
        case .jsonPretty: return JSONValue.array(apps.map(StatusJSON.object)).encoded(pretty: true) + "\n"
        }
    }

    package static func status(_ app: AppStatus, _ format: OutputFormat) -> String {
        switch format {
        case .text: lines(app).map { $0 + "\n" }.joined()
        case .json: StatusJSON.object(app).encoded(pretty: false) + "\n"
        case .jsonPretty: StatusJSON.object(app).encoded(pretty: true) + "\n"
        }
    }

    /// `key=value` lines, those that make sense in the app's state.
    private static func lines(_ app: AppStatus) -> [String] {
        var lines = ["name=\(app.name)", "state=\(app.phase.rawValue)"]
        if let image = app.imageID { lines.append("image_id=\(image.key)") }
        if let created = app.createdAt { lines.append("created_at=\(TimeText.absolute(created))") }
        if let started = app.startedAt { lines.append("started_at=\(TimeText.absolute(started))") }
        if let finished = app.finishedAt { lines.append("finished_at=\(TimeText.absolute(finished))") }
        if let status = app.exitStatus { lines.append("exit_code=\(status)") }
        return lines
    }
}
