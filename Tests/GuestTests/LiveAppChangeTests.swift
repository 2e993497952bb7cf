// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import GuestProtocol
import Testing

struct LiveAppChangeTests {
    /// A manager that finds the service and not its reaper starts an app whose end nobody hears of.
    @Test func anAppsServiceIsMadeAfterItsReaper() throws {
        let service = PodConfiguration.File(path: "/run/systemd/system/db.service", content: .text("service"))
        let reaper = PodConfiguration.File(path: "/run/systemd/system/reaper-db.service", content: .text("reaper"))
        let change = try LiveAppChange(app: "db")
        #expect(change.inOrder([service, reaper]) == [reaper, service])
        #expect(change.inOrder([reaper, service]) == [reaper, service])
    }
}
