// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
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

    @Test(arguments: ["", "resolv", "resolv=", "resolv=other", "hosts=none", "resolv=host,", "names=host"])
    func otherModesAreRefused(modes: String) {
        let error = #expect(throws: RuntimeError.self) {
            try EntrypointArguments(parsing: ["--dns-conf-mode=\(modes)", "uuid"])
        }
        #expect(error?.message.hasPrefix("--dns-conf-mode=\(modes):") == true)
    }
}
