// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Rules on a request that hold whatever the images are.
package enum PodRequestRules {
    package static func check(_ request: PodRequest) throws {
        if request.podManifest != nil {
            guard
                request.apps.isEmpty, !request.inheritsEnvironment, request.setEnvironment.isEmpty,
                request.setEnvironmentFiles.isEmpty, request.volumes.isEmpty, request.mounts.isEmpty,
                request.ports.isEmpty
            else {
                throw RuntimeError(.invalidArgument, "conflicting flags set with --pod-manifest (see --help)")
            }
            return
        }
        guard !request.apps.isEmpty || request.isMutable else {
            throw RuntimeError(.invalidArgument, "must provide at least one image or specify the pod manifest")
        }
        for app in request.apps { try check(app) }
    }

    static func check(_ app: AppRequest) throws {
        try AppStream.check(app)
        if app.capabilitiesRetain != nil, app.capabilitiesRemove != nil {
            throw RuntimeError(
                .invalidArgument, "--caps-retain and --caps-remove exclude each other; image \"\(app.image)\" has both")
        }
    }
}
