// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// What the directory tells of a pod that apps are added to while it runs.
extension Pod {
    /// Whether apps can be added to it. A manifest alone may say what it likes.
    package func isMutable(_ manifest: PodManifest) -> Bool {
        manifest.annotation(PodAnnotation.mutable.string) == "true" && FileSystem.exists(layout.live)
    }

    /// The manifest without apps that are being added or removed, or were left half added.
    package func complete(_ manifest: PodManifest) -> PodManifest {
        guard isMutable(manifest) else { return manifest }
        var manifest = manifest
        manifest.apps.removeAll { FileSystem.exists(layout.appIncomplete($0.name.string)) }
        return manifest
    }

    /// The process that runs the pod, as far as it is told: that of `ppid`, or of `pid`.
    package var supervisor: Int32? {
        [layout.ppidFile, layout.pidFile].lazy.compactMap { file in
            (try? FileSystem.readText(file, limit: 64)).flatMap { Int32($0.prefix { $0 != "\n" }) }
        }.first
    }
}

extension PodLayout {
    /// The number of an app's place; nil for an app that is in the pod from its start.
    package func place(of app: String) -> Int? {
        guard let text = try? FileSystem.readText(appPlace(app), limit: 64) else { return nil }
        return Int(text.prefix { $0 != "\n" })
    }

    /// A number for a place that no other has had.
    ///
    /// - Throws: when the record of the last one cannot be read or written.
    package func takePlace() throws -> Int {
        var last = 0
        if FileSystem.exists(liveCount) {
            let text = try FileSystem.readText(liveCount, limit: 64)
            guard let number = Int(text.prefix { $0 != "\n" }), number >= 0, number < Int(Int32.max) else {
                throw RuntimeError(.invalidState, "\(liveCount) does not hold a number; remove the pod")
            }
            last = number
        }
        try FileSystem.writeAtomically("\(last + 1)\n".utf8, to: liveCount)
        return last + 1
    }
}
