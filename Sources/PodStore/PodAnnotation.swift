// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// Annotations of a pod's manifest by which stage0 tells stage1 something.
package enum PodAnnotation {
    /// Names the empty volumes that begin with what their app's image has at their place, divided by commas.
    package static let filledVolumes: ACIdentifier = "coreos.com/rkt/stage1/filled-volumes"
    /// `true` in a pod that apps are added to and removed from while it runs.
    package static let mutable: ACIdentifier = "coreos.com/rkt/stage1/mutable"
}
