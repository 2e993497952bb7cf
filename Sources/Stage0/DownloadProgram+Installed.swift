// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import SystemPackage

extension DownloadProgram {
    /// The program that was installed with this one.
    ///
    /// Whether it is there shows with the first request; most commands make none.
    static func installed(_ notices: Notices) -> DownloadProgram {
        let path = (try? DownloadLaunch.path()) ?? "/usr/libexec/rkt/download"
        guard notices.isDebug else { return DownloadProgram(path: path) }
        return DownloadProgram(path: path) { notices.debug("download", $0) }
    }
}
