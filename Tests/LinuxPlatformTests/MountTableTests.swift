// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Testing

struct MountTableTests {
    @Test func readsMountPointsAndUndoesEscapes() {
        let table = """
            22 1 0:20 / / rw,relatime - ext4 /dev/vda rw
            23 22 0:21 / /a\\040b rw - tmpfs tmpfs rw
            broken line
            24 22 0:22 / /c\\134d rw shared:1 - overlay overlay rw

            """
        #expect(Mount.mountPoints(in: table) == ["/", "/a b", "/c\\d"])
    }
}
