// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import PodStore
import Stage1
import Testing

struct IsolatorReportTests {
    private static func cpu(_ limit: String) -> String { #"{"name":"resource/cpu","value":{"limit":"\#(limit)"}}"# }

    private static func memory(_ limit: String) -> String {
        #"{"name":"resource/memory","value":{"limit":"\#(limit)"}}"#
    }

    private static func filter(_ mode: String, _ names: String...) -> String {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"name":"os/linux/seccomp-\#(mode)-set","value":{"set":[\#(list)]}}"#
    }

    @Test(
        arguments: [
            (cpu("1500m"), "enforced", "CPUQuota=150.0%"), (cpu("2"), "enforced", "CPUQuota=200.0%"),
            (cpu("2001m"), "changed", "the machine has no more than 2 processors"),
            (cpu("0"), "changed", "at least CPUQuota=0.1%"), (memory("64Mi"), "enforced", "MemoryMax=67108864"),
            (filter("remove", "mkdir"), "enforced", nil),
            (filter("remove", "mkdir", "nonsense"), "changed", "1 of the 2"),
            (filter("remove", "nonsense", "@nobody/set"), "changed", "nothing is blocked"),
            (filter("retain", "nonsense"), "changed", "only what a process needs"),
            (filter("retain", "@appc.io/all"), "enforced", "no filter"),
            (#"{"name":"resource/block-iops","value":{"default":true,"limit":"1"}}"#, "ignored", nil),
        ] as [(String, String, String?)])
    func whatAnIsolatorBecomesIsTold(isolator: String, effect: String, becomes: String?) throws {
        let preview = try PlannedPod(isolators: [isolator]).preview()
        let entry = try #require(preview.value(forKey: "isolators")?.array?.first)
        #expect(entry.value(forKey: "effect")?.string == effect)
        #expect(entry.value(forKey: "app")?.string == "a")
        let said = entry.value(forKey: "becomes")?.string
        #expect(becomes == nil ? said == nil : said?.contains(becomes ?? "") == true, "\(said ?? "nothing")")
    }

    /// As Documentation/isolators.md says.
    @Test(
        arguments: [
            ([], 512, 4), ([memory("384Mi")], 512, 4), ([memory("385Mi")], 513, 4), ([memory("500000000")], 604, 4),
            ([cpu("1")], 512, 1), ([cpu("1001m")], 512, 2), ([cpu("4")], 512, 4), ([cpu("5")], 512, 4),
            ([cpu("0")], 512, 4), ([memory("1Gi"), cpu("250m")], 1152, 1),
        ] as [([String], Int, Int)])
    func theMachineIsSizedByTheLimits(isolators: [String], memory: Int, processors: Int) throws {
        let preview = try PlannedPod(isolators: isolators).preview(processors: 4)
        #expect(preview.value(forKey: "memoryMiB")?.int == memory)
        #expect(preview.value(forKey: "processors")?.int == processors)
    }

    @Test func limitsOfContainersHoldOnlyWhereTheHostPassesControllersOn() throws {
        let pod = try PlannedPod(isolators: [Self.memory("64Mi"), Self.cpu("1")])
        let plan = try pod.plan(capabilities: [.agent, .hostNetwork], controllers: ["cpu", "pids"])
        #expect(
            plan.warnings == [
                "isolator resource/memory of app a is not enforced: "
                    + "the control group of rkt does not pass the controller memory on; start it with "
                    + "\"systemd-run --scope -p Delegate=yes\", or as the only program of a unit with Delegate=yes"
            ])
        // A machine has control groups of its own.
        #expect(try pod.plan().warnings.isEmpty)
    }

    @Test func thingsThatAreNotDoneAreToldSoManyTimes() throws {
        let names = (0..<1000).map { "\"no\($0)\"" }.joined(separator: ",")
        let many = #"{"name":"os/linux/seccomp-remove-set","value":{"set":[\#(names)]}}"#
        let warnings = try PlannedPod(isolators: [many]).plan().warnings
        #expect(warnings.count == 21)
        #expect(warnings.last == "980 more warnings were left out")
        let long = Self.filter("remove", String(repeating: "x", count: 10_000))
        #expect(try PlannedPod(isolators: [long]).plan().warnings.allSatisfy { $0.utf8.count < 200 })
    }

    @Test func aReportOfManyIsolatorsIsBoundedAndCanBeRead() throws {
        let unknown = (0..<3000).map {
            #"{"name":"example.com/\#(String(repeating: "long", count: 200))\#($0)","value":1}"#
        }
        let pod = try PlannedPod(isolators: unknown)
        let text = try pod.preview().encoded()
        #expect(text.utf8.count > 64 << 10)
        #expect(text.utf8.count < 1 << 20)
        try FileSystem.write(text.utf8, to: pod.layout.machineRecord)
        let record = Pod(uuid: .init(), phase: .run, state: .exited, layout: pod.layout).machine
        #expect(record?.value(forKey: "memoryMiB")?.int == 512)
    }
}
