// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

extension Stage1Interface {
    /// Refuses streams that somebody would have to attach to, where nobody can.
    func checkStreams(_ manifest: PodManifest) throws {
        guard path(.attach) == nil else { return }
        for app in manifest.apps {
            for stream in AppStream.allCases {
                guard let mode = app.annotations[stream.annotation.string], ["stream", "tty"].contains(mode) else {
                    continue
                }
                throw RuntimeError(
                    .unsupported,
                    "--\(stream.rawValue)=\(mode) of app \"\(app.name)\" is not supported with stage1 image "
                        + "\"\(image)\", whose apps cannot be attached to; use another one")
            }
        }
    }
}
