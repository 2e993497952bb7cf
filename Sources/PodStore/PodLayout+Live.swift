// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What only a pod has that apps are added to while it runs.
///
/// A machine may keep what it has seen at a place as long as it likes. So places in what it sees have numbers, and none is
/// used twice.
extension PodLayout {
    /// Locked exclusively by whoever adds or removes an app.
    package var changeLock: FilePath { directory.appending("pod.lck") }
    /// The last number that a place has got, in decimal; written before the place is used.
    package var liveCount: FilePath { directory.appending("live-count") }

    /// Where volumes of the host are mounted; it is a shared mount (mount_namespaces(7)).
    package var live: FilePath { directory.appending("live") }
    /// A volume that is a directory.
    package func liveVolume(_ place: Int) -> FilePath { live.appending("\(place)") }
    /// A volume that is a file.
    package func liveFile(_ place: Int) -> FilePath { liveVolume(place).appending("file") }
    /// Which volume is at which place, a JSON object.
    package var liveVolumes: FilePath { directory.appending("live-volumes.json") }
    /// Where a volume that begins empty is for the machine.
    package func emptyVolume(_ name: String) -> FilePath { apps.appending(".volumes").appending(name) }
    /// What such volumes are on the host, by their names.
    package var emptyVolumes: FilePath { directory.appending("empty-volumes") }

    /// Where an app's root is for the machine; names of apps do not begin with a dot.
    package func appRootPlace(_ place: Int) -> FilePath { apps.appending(".live").appending("\(place)") }
    /// The writable layer of an app.
    package func liveLayers(_ app: String, _ place: Int) -> OverlayLayers { appOverlay("\(app)-\(place)") }
    /// The root of an app where trees are copied.
    package func liveCopy(_ app: String, _ place: Int) -> FilePath {
        directory.appending("copies").appending("\(app)-\(place)")
    }

    /// Where an app's root is put together, before the machine sees it.
    package func appStaging(_ app: String) -> FilePath { appInfo(app).appending("root") }
    /// The number of an app's place, in decimal.
    package func appPlace(_ app: String) -> FilePath { appInfo(app).appending("place") }
    /// Its time is when the app was added.
    package func appCreated(_ app: String) -> FilePath { appInfo(app).appending("created") }
    /// Its time is when the app was started last.
    package func appStarted(_ app: String) -> FilePath { appInfo(app).appending("started") }
    /// There while the app is being added or removed, and after either was interrupted.
    package func appIncomplete(_ app: String) -> FilePath { appInfo(app).appending("incomplete") }
}
