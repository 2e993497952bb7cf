// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import Testing

struct ProcessIdentityTests {
    /// The name is what follows the first bracket, up to the last one; not all of it has to be text.
    @Test(arguments: ["sh", "a) S 1 2 3", ") 4 (", "\u{600}", "a\nb"])
    func fieldsAreCountedFromTheEndOfTheName(name: String) {
        let numbers = (4...52).map { "\($0)" }.joined(separator: " ")
        let stat = Array("17 (\(name)) S \(numbers)\n".utf8)
        #expect(ProcessIdentity.field(3, in: stat) == "S")
        #expect(ProcessIdentity.field(5, in: stat) == "5")
        #expect(ProcessIdentity.field(22, in: stat) == "22")
        #expect(ProcessIdentity.field(52, in: stat) == "52")
        #expect(ProcessIdentity.field(53, in: stat) == nil)
    }

    @Test func aProcessIsItselfUntilItHasEnded() throws {
        let child = try ChildProcess.spawn(
            SpawnRequest(path: "/bin/sh", arguments: ["/bin/sh", "-c", "exec sleep 1000"]))
        defer { child.close() }
        let identity = try ProcessIdentity(of: child.pid)
        #expect(identity.exists)
        #expect(!ProcessIdentity(pid: child.pid, startTime: identity.startTime + 1).exists)
        #expect(try ProcessIdentity(of: getpid()) != identity)
        try child.signal(9)
        _ = try child.wait()
        #expect(!identity.exists)
        let error = #expect(throws: RuntimeError.self) { try ProcessIdentity(of: child.pid) }
        #expect(error?.code == .notFound)
    }
}
