// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostConfiguration

extension Stage1Interface {
    /// Refuses an image that nothing holds to a configured `minimumIsolation`. One with a preflight compares that itself;
    /// one that follows the guide alone does not know of it.
    func check(_ configuration: HypervisorConfiguration) throws {
        guard let level = configuration.demandedIsolation, path(.preflight) == nil else { return }
        throw RuntimeError(
            .unsupported,
            "the configuration asks for \"minimumIsolation\": \"\(level)\", and stage1 image \"\(image)\" cannot be asked "
                + "what isolates its pods: it has no preflight entrypoint; use another image, or lower the minimum")
    }
}
