// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Runs tables of hostile archives through import and rendering as `rkt fetch` and `rkt run` do.
@Suite(.requiresRoot) struct HostileArchiveTests {
    private func run(_ archive: HostileArchive) throws {
        let hostile = try HostileStore(limits: archive.limits)
        let images = try archive.images()
        // The images that the hostile one needs do not count.
        _ = try hostile.render(images.dropLast())
        let before = try hostile.contents()
        switch (try hostile.render(images), archive.outcome) {
        case (.success(let tree), .rendered(let expected)): #expect(tree == expected)
        case (.failure(let refusal), .refused(let expected)):
            #expect(refusal.message == expected)
            #expect(refusal.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
            #expect(try hostile.contents() == before)
        case (.success(let tree), .refused): Issue.record("accepted: \(tree)")
        case (.failure(let refusal), .rendered): Issue.record("refused: \(refusal.message)")
        }
        #expect(try hostile.changesOutside() == [])
    }

    @Test(arguments: HostileArchive.names) func names(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.links) func links(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.layouts) func layouts(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.kinds) func kinds(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.headers) func headers(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.bombs) func bombs(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.attributes) func attributes(archive: HostileArchive) throws { try run(archive) }
    @Test(arguments: HostileArchive.streams) func streams(archive: HostileArchive) throws { try run(archive) }
}
