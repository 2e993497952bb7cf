// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import SystemdUnits
import Testing

struct UnitGraphTests {
    let graph = UnitGraph(apps: [
        .init(name: "web", hasPreStart: true, hasPostStop: true, memoryLimit: 1 << 26, cpuQuota: 505),
        .init(name: "db"),
    ])

    private func unit(_ name: String) throws -> UnitFile { try #require(graph.units.first { $0.name == name }) }

    @Test func theDefaultTargetWantsEveryAppAndWaitsForIt() throws {
        let target = try unit("default.target")
        #expect(
            Set(target.values(of: "Wants")).isSuperset(of: ["web.service", "db.service", "supervisor-ready.service"]))
        #expect(target.values(of: "After") == ["web.service", "db.service"])
    }

    @Test func eachAppHasAReaperThatHoldsTheShutdown() throws {
        for app in ["web", "db"] {
            #expect(try unit("\(app).service").values(of: "Wants") == ["reaper-\(app).service"])
            let reaper = try unit("reaper-\(app).service")
            #expect(reaper.values(of: "Wants") == ["shutdown.service"])
            #expect(reaper.values(of: "StopWhenUnneeded") == ["yes"])
        }
    }

    @Test func aFailedAppHaltsThePod() throws {
        #expect(try unit("db.service").values(of: "OnFailure") == ["halt.target"])
        #expect(try unit("db.service").values(of: "Conflicts") == ["halt.target poweroff.target"])
    }

    @Test func nothingButAStopEndsAMutablePod() throws {
        let empty = UnitGraph(apps: [], isMutable: true)
        #expect(empty.units.map(\.name) == ["default.target"])
        let target = try #require(empty.units.first)
        #expect(Set(target.values(of: "Wants")).isSuperset(of: ["shutdown.service", "supervisor-ready.service"]))
        #expect(target.values(of: "Conflicts") == ["halt.target poweroff.target"])

        let later = UnitGraph(apps: [.init(name: "db")], isMutable: true)
        #expect(later.appUnits.map(\.name) == ["db.service", "reaper-db.service"])
        let service = try #require(later.appUnits.first), reaper = try #require(later.appUnits.last)
        #expect(service.values(of: "OnFailure").isEmpty)
        #expect(service.values(of: "Wants") == ["reaper-db.service"])
        #expect(reaper.values(of: "Wants").isEmpty)
        #expect(reaper.values(of: "StopWhenUnneeded") == ["yes"])
        #expect(later.units.first?.values(of: "Wants").contains("db.service") == false)
    }

    @Test func handlersAndLimitsAppearOnlyWhereAskedFor() throws {
        let web = try unit("web.service"), db = try unit("db.service")
        #expect(web.values(of: "ExecStartPre") == ["/usr/lib/rkt/rkt-guest pre-start web"])
        #expect(
            web.values(of: "ExecStopPost") == [
                "/usr/lib/rkt/rkt-guest record web", "-/usr/lib/rkt/rkt-guest post-stop web",
            ])
        #expect(web.values(of: "MemoryMax") == ["67108864"])
        #expect(web.values(of: "CPUQuota") == ["50.5%"])
        #expect(db.values(of: "ExecStartPre").isEmpty)
        #expect(db.values(of: "MemoryMax").isEmpty)
    }

    @Test func anAppThatSaysWhenItIsReadyIsWaitedFor() throws {
        var app = UnitGraph.App(name: "web")
        #expect(UnitGraph(apps: [app]).units[1].values(of: "Type") == ["simple"])
        app.watchdog = 3_000_000
        #expect(UnitGraph(apps: [app]).units[1].values(of: "WatchdogSec").isEmpty)
        app.supportsNotify = true
        let service = UnitGraph(apps: [app]).units[1]
        #expect(service.values(of: "Type") == ["notify"])
        #expect(service.values(of: "NotifyAccess") == ["all"])
        #expect(service.values(of: "WatchdogSec") == ["3000000us"])
    }
}
