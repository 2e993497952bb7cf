// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import Testing

/// Who ends a machine of systemd-machined's ends its unit.
struct MachineListingTests {
    @Test(
        arguments: [
            ("0::/system.slice/pod.service\n", true), ("0::/system.slice/pod.service/rkt-1/supervisor\n", true),
            ("0::/system.slice/run-1.scope\n", true), ("0::/\n", false), ("0::/machines/pod\n", false), ("", false),
            ("0::/user.slice/user-0.slice/session-3.scope\n", false),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n", false),
            // Both versions: systemd has a hierarchy of its own.
            (
                "2:memory:/system.slice/other.service\n1:name=systemd:/user.slice/user-0.slice/session-3.scope\n0::/\n",
                false
            ),
            ("2:memory:/\n1:name=systemd:/system.slice/pod.service\n0::/\n", true),
        ] as [(String, Bool)])
    func `a pod is listed only where the unit is the pod's`(groups: String, isListed: Bool) {
        #expect(MachineListing.isInOwnUnit(groups) == isListed)
    }
}
