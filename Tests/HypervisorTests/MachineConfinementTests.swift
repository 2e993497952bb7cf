// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

/// What the kernel says of a process.
struct MachineConfinementTests {
    private static let status = """
        Name:\tqemu\tsystem
        Uid:\t1879048193\t1879048193\t1879048193\t1879048193
        Gid:\t1879048193\t1879048193\t1879048193\t1879048193
        Groups:\t107 1879048193 
        CapInh:\t0000000000000000
        CapPrm:\t0000000000000000
        CapEff:\t0000000000000000
        NoNewPrivs:\t1
        Seccomp:\t2
        """

    @Test func `a confined hypervisor is told`() throws {
        let facts = try #require(MachineConfinement(status: Self.status))
        #expect(facts.user == 1_879_048_193)
        #expect(facts.groups == [1_879_048_193, 107])
        #expect(facts.capabilities == 0)
        #expect(facts.noNewPrivileges && facts.filtersSystemCalls)
        #expect(facts.shortfall == [])
    }

    @Test(arguments: [
        ("Uid:\t1879048193\t1879048193", "Uid:\t0\t0", "root"),
        ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000002", "capabilities"),
        ("Seccomp:\t2", "Seccomp:\t0", "filtered"),
    ])
    func `what it has too much of is named`(from: String, to: String, word: String) throws {
        let text = try #require(Self.status.range(of: from).map { Self.status.replacing($0, with: to) })
        let lacks = try #require(MachineConfinement(status: text)).shortfall
        #expect(lacks.count == 1)
        #expect(lacks.first?.contains(word) == true, "\(lacks)")
    }

    /// A process chooses its own name, which stands first.
    @Test func `a name says nothing`() throws {
        let text = "Name:\tUid:\\t0\n" + Self.status + "\nUid:\t0\t0\t0\t0\n"
        #expect(MachineConfinement(status: text)?.user == 1_879_048_193)
        #expect(MachineConfinement(status: "Name:\tx\n") == nil)
    }

    @Test func `limits have names and values`() {
        let text = """
            Limit                     Soft Limit           Hard Limit           Units     
            Max core file size        0                    unlimited            bytes     
            Max open files            4096                 1048576              files     
            Max locked memory         unlimited            unlimited            bytes     
            """
        #expect(
            MachineConfinement.limits(text) == [
                .init(name: "core", value: 0), .init(name: "nofile", value: 4096), .init(name: "memlock", value: nil),
            ])
    }

    @Test func `a process like this one shares all namespaces, and one that has ended tells nothing`() throws {
        let child = try ChildProcess.spawn(SpawnRequest(path: "/bin/sleep", arguments: ["sleep", "1000"]))
        defer { child.close() }
        let facts = try MachineConfinement(of: child.pid)
        #expect(facts.user == geteuid())
        #expect(facts.namespaces == [])
        #expect(facts.limits.map(\.name) == ["core", "nofile", "nproc", "memlock", "msgqueue"])
        try child.signal(SIGKILL)
        _ = try child.wait()
        #expect(throws: (any Error).self) { try MachineConfinement(of: child.pid) }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func `namespaces and users of its own are seen`() throws {
        var request = SpawnRequest(
            path: "/bin/sleep", arguments: ["sleep", "1000"], privateMounts: true,
            credentials: .init(uid: 1_879_048_000, gid: 1_879_048_000, groups: [7]))
        request.privateProcesses = true
        let child = try ChildProcess.spawn(request)
        defer {
            try? child.signal(SIGKILL)
            _ = try? child.wait()
            child.close()
        }
        let facts = try MachineConfinement(of: child.pid)
        #expect(facts.namespaces == ["mnt", "pid"])
        #expect(facts.user == 1_879_048_000)
        #expect(facts.groups == [1_879_048_000, 7])
        #expect(facts.capabilities == 0)
    }
}

extension String {
    fileprivate func replacing(_ range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + self[range.upperBound...]
    }

    fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
