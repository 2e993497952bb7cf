// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageStore
import LinuxPlatform
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What a collection of images keeps.
struct ImageGarbageTests {
    @Test func whatAnImageInUseDependsOnIsKept() throws {
        let scratch = try ScratchDirectory()
        let runtime = PodRuntime(Settings(dataDirectory: scratch.appending("data"), insecure: .image))
        func add(_ name: String, needs: String? = nil) throws -> StoredImage {
            let extra = needs.map { ",\"dependencies\":[{\"imageName\":\"example.com/\($0)\"}]" } ?? ""
            let tar = TarFixture.image(TarFixture.manifest(name: "example.com/\(name)", extra: extra))
            try FileSystem.write(tar.bytes(), to: scratch.appending("\(name).aci"))
            return try runtime.fetch(scratch.appending("\(name).aci").string)
        }
        _ = try add("lowest")
        let low = try add("low", needs: "lowest")
        // Time passes.
        let others = try (0..<20).map { try add("other\($0)") }
        let app = try add("app", needs: "low")
        #expect(try runtime.openImages().image(matching: low.id.string).lastUsed < others[0].lastUsed)

        let limit = (others[0].lastUsed + app.lastUsed) / 2
        let removed = try runtime.collectImages(gracePeriod: Clock.wallNanoseconds - limit).images.map(\.name)
        #expect(removed.contains("example.com/other0"))
        let left = try runtime.openImages().images().map(\.name)
        for name in ["app", "low", "lowest"] { #expect(left.contains("example.com/\(name)")) }

        let rest = try runtime.collectImages(gracePeriod: 0)
        #expect(rest.images.count == left.count)
    }
}
