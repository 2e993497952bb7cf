// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Stage1
import Testing

struct EntrypointArgumentsTests {
    @Test func nameFilesAreTheImagesUnlessSaidOtherwise() throws {
        let arguments = try EntrypointArguments(parsing: ["--net=none", "uuid"])
        #expect(arguments.resolver == .standard && arguments.hosts == .standard)
        let told = try EntrypointArguments(parsing: ["--dns-conf-mode=resolv=host,hosts=stage0", "uuid"])
        #expect(told.resolver == .host && told.hosts == .stage0)
        #expect(try EntrypointArguments(parsing: ["--dns-conf-mode=resolv=none", "uuid"]).resolver == .none)
    }

    @Test func usersOfThePodsOwnAreARange() throws {
        #expect(try EntrypointArguments(parsing: ["uuid"]).users == nil)
        let arguments = try EntrypointArguments(parsing: ["--private-users=655360:65536", "uuid"])
        #expect(arguments.users == UserRange(first: 655_360, count: 65_536))
        let error = #expect(throws: RuntimeError.self) {
            try EntrypointArguments(parsing: ["--private-users=0:65536", "uuid"])
        }
        #expect(error?.message == "--private-users=0:65536")
    }

    @Test(arguments: ["", "resolv", "resolv=", "resolv=other", "hosts=none", "resolv=host,", "names=host"])
    func otherModesAreRefused(modes: String) {
        let error = #expect(throws: RuntimeError.self) {
            try EntrypointArguments(parsing: ["--dns-conf-mode=\(modes)", "uuid"])
        }
        #expect(error?.message.hasPrefix("--dns-conf-mode=\(modes):") == true)
    }
}
