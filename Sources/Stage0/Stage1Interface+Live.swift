// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

extension Stage1Interface {
    private static let liveEntrypoints: [Entrypoint] = [.addApp, .startApp, .stopApp, .removeApp]

    /// Refuses a pod that apps are to be added to where it cannot be.
    package func checkMutable() throws {
        guard let missing = Self.liveEntrypoints.first(where: { path($0) == nil }) else { return }
        throw RuntimeError(
            .unsupported,
            "apps cannot be added to pods of stage1 image \"\(image)\": it lacks the annotation \(missing.annotation); use "
                + "another image")
    }

    /// Arguments of `app/add` after argv[0].
    package func addArguments(
        app: String, uuid: PodUUID, isDebug: Bool, insecure: InsecureOptions, users: UserRange?
    ) -> [String] {
        ["--app=\(app)", "--uuid=\(uuid)"] + (isDebug ? ["--debug"] : []) + Self.insecureArguments(insecure)
            + (users.map { ["--private-users=\($0)"] } ?? [])
    }

    /// Arguments of `app/start`, `app/stop` and `app/rm` after argv[0].
    package func appArguments(app: String, isDebug: Bool) -> [String] {
        ["--app=\(app)"] + (isDebug ? ["--debug"] : [])
    }

    /// What entrypoints that cross into the pod find in their environment.
    ///
    /// - Parameters:
    ///   - enter: where the entrypoint is that they can cross with.
    ///   - app: the one that they work on, if it is in the pod already.
    package func crossingVariables(enter: String, pid: Int32, app: String?) -> [String] {
        ["RKT_STAGE1_ENTERCMD=\(enter)", "RKT_STAGE1_ENTERPID=\(pid)"]
            + (app.map { ["RKT_STAGE1_ENTERAPP=\($0)"] } ?? [])
    }
}
