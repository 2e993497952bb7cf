// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import DomainKeeper
import Testing

struct KeeperArgumentsTests {
    @Test func `a domain with two interfaces`() throws {
        let arguments = try KeeperArguments(
            parsing: ["--connect", "qemu:///system", "--name", "rkt-1", "--interface", "4:5", "--interface", "6:7"])
        #expect(arguments.address == "qemu:///system")
        #expect(arguments.name == "rkt-1")
        #expect(arguments.interfaces.map(\.tap) == [4, 6])
        #expect(arguments.interfaces.map(\.listener) == [5, 7])
        // The first that is free is known to both programs.
        #expect(KeeperArguments.description.rawValue + 1 == LibvirtDomain.firstDescriptor)
    }

    @Test(arguments: [
        [], ["--connect", "qemu:///system"], ["--name", "rkt-1"], ["--name"],
        ["--name", "a", "--connect", "b", "--x", "y"],
        ["--name", "a", "--connect", "b", "--interface", "4"], ["--name", "a", "--connect", "b", "--interface", "4:x"],
        ["--name", "a", "--connect", "b", "--interface", "0:5"],
    ])
    func `what is no domain is refused`(words: [String]) {
        let error = #expect(throws: RuntimeError.self) { try KeeperArguments(parsing: words) }
        #expect(error?.code == .invalidArgument)
    }
}
