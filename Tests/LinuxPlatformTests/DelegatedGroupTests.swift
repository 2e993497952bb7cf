// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Which control groups of version 2 a supervisor divides. Process 50 is the supervisor, 51 its child, 7 somebody else.
struct DelegatedGroupTests {
    private let unit: FilePath = "/sys/fs/cgroup/system.slice/pod.service"

    private func find(
        _ files: [String: String], from group: FilePath? = nil, marked: FilePath? = nil, hasSystemd: Bool = true
    ) -> DelegatedGroup? {
        DelegatedGroup.find(
            from: group ?? unit, process: 50,
            host: DelegatedGroup.Host(
                read: { files[$0.string] }, isMarked: { $0 == marked }, parent: { [50: 7, 51: 50, 52: 51, 7: 1][$0] },
                hasSystemd: hasSystemd))
    }

    private func group(
        _ directory: FilePath, type: String? = "domain\n", controllers: String = "cpu memory\n", processes: String
    ) -> [String: String] {
        var files = ["\(directory)/cgroup.controllers": controllers, "\(directory)/cgroup.procs": processes]
        files["\(directory)/cgroup.type"] = type
        return files
    }

    @Test func `a group that systemd has delegated is divided`() {
        let found = find(group(unit, processes: "50\n51\n52\n"), marked: unit)
        #expect(found == DelegatedGroup(directory: unit, controllers: ["cpu", "memory"], residents: [50, 51, 52]))
    }

    @Test func `a group of systemd's that it has not delegated is left alone`() {
        #expect(find(group(unit, processes: "50\n")) == nil)
    }

    @Test func `without systemd a group is the supervisor's when it is alone in it`() {
        let alone = find(group(unit, processes: "50\n"), hasSystemd: false)
        #expect(alone?.directory == unit)
        #expect(find(group(unit, processes: "7\n50\n"), hasSystemd: false) == nil)
    }

    @Test(arguments: ["7\n50\n", "50\n0\n", "1\n50\n", ""])
    func `nobody else's process is moved`(processes: String) {
        #expect(find(group(unit, processes: processes), marked: unit) == nil)
    }

    @Test func `the root of the hierarchy needs no division`() {
        #expect(find(group(unit, type: nil, processes: "50\n"), hasSystemd: false) == nil)
    }

    @Test(arguments: ["threaded\n", "domain threaded\n", "domain invalid\n"])
    func `a group of threads is left alone`(type: String) {
        #expect(find(group(unit, type: type, processes: "50\n"), marked: unit) == nil)
    }

    @Test func `a hierarchy without controllers is not worth it`() {
        #expect(find(group(unit, controllers: "\n", processes: "50\n"), marked: unit) == nil)
    }

    @Test func `the unit's group is divided where systemd has put the supervisor below it`() {
        let below = unit.appending("main")
        let own = group(below, processes: "50\n")
        let found = find(own.merging(group(unit, processes: "")) { $1 }, from: below, marked: unit)
        #expect(found == DelegatedGroup(directory: unit, controllers: ["cpu", "memory"], residents: []))
        #expect(find(own.merging(group(unit, processes: "7\n")) { $1 }, from: below, marked: unit) == nil)
    }

    @Test func `a machine's group lies beside the supervisor's in a group that is divided`() {
        let below = unit.appending("main")
        let delegated = DelegatedGroup(directory: unit, controllers: ["memory"], residents: [])
        let groups = ControlGroups(
            forMachine: "rkt-1", own: [below, "/sys/fs/cgroup/systemd/x"], delegated: delegated)
        #expect(groups.directories == [unit.appending("rkt-1"), "/sys/fs/cgroup/systemd/x/rkt-1"])
        #expect(groups.joined == [unit.appending("rkt-1").appending("machine"), "/sys/fs/cgroup/systemd/x/rkt-1"])
        let plain = ControlGroups(forMachine: "rkt-1", own: [unit], delegated: nil)
        #expect(plain.joined == [unit.appending("rkt-1")])
    }

    @Test func `what a supervisor is in stays when it removes its machine's groups`() throws {
        let scratch = try ScratchDirectory()
        let group = scratch.appending("rkt-1")
        for path in ["supervisor", "machine/payload/app"] {
            try FileSystem.makeDirectories(group.pushing(FilePath(path)))
        }
        let groups = ControlGroups(directories: [group])
        #expect(groups.remove(keeping: group.appending("supervisor")) == [])
        #expect(try FileSystem.list(group) == ["supervisor"])
        #expect(groups.remove() == [])
        #expect(!FileSystem.exists(group))
    }
}
