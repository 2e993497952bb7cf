// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageFetch
import ImageStore
import LinuxPlatform
import TestSupport
import Testing

struct DependencyTests {

    private func fixture(_ images: [String: [String]]) throws -> FetchFixture {
        let fixture = try FetchFixture()
        fixture.serveDiscovery()
        for (name, needs) in images {
            let extra =
                ",\"dependencies\":["
                + needs.map { "{\"imageName\":\"example.com/\($0)\"}" }.joined(separator: ",") + "]"
            fixture.publish("example.com/\(name)", FetchFixture.image("example.com/\(name)", extra: extra))
        }
        return fixture
    }

    private func fetch(_ fixture: FetchFixture, _ name: String, _ policy: PullPolicy = .update) throws {
        let image = try fixture.fetcher(policy).image(name: "example.com/\(name)")
        try fixture.fetcher(policy).fetchDependencies(of: image)
    }

    @Test func everythingIsFetchedOnceAndLevelByLevel() throws {
        let fixture = try fixture(["a": ["b", "c"], "b": ["d"], "c": ["d", "b"], "d": []])
        try fetch(fixture, "a")
        #expect(
            try fixture.store.images().map(\.name).sorted()
                == ["a", "b", "c", "d"].map { "example.com/\($0)" })
        let images = fixture.transport.takeAsked().map(\.url).filter { $0.hasSuffix(".aci") }
        #expect(images.count == 4)
        // The two of the second level at once.
        #expect(fixture.transport.batches == [1, 2, 1])
    }

    @Test func whatTheStoreHasIsUsed() throws {
        let fixture = try fixture(["a": ["b"], "b": ["c"], "c": []])
        try fetch(fixture, "b")
        _ = fixture.transport.takeAsked()
        try fetch(fixture, "a")
        #expect(
            fixture.transport.takeAsked().map(\.url).filter { $0.hasSuffix(".aci") }
                == ["https://files.example.com/example.com/a-latest.aci"])
        #expect(fixture.notes.all.contains("using image from local store for image name example.com/b"))
    }

    @Test func aCycleIsRefused() throws {
        let fixture = try fixture(["a": ["b", "c"], "b": ["c"], "c": ["b"]])
        let message = fixture.message { try fetch(fixture, "a") }
        #expect(message.contains("cycle"))
        #expect(message.contains("example.com/b → example.com/c → example.com/b"))
    }

    @Test func aMissingDependencyIsNamed() throws {
        let fixture = try fixture(["a": ["b"]])
        let message = fixture.message { try fetch(fixture, "a") }
        #expect(message.contains("\"example.com/b\", which example.com/a depends on"), "\(message)")
        let offline = fixture.message { try fetch(fixture, "a", .never) }
        #expect(offline.contains("--pull-policy=never"))
    }

    @Test func aChainWithoutEndIsBroken() throws {
        let names = (0..<100).map { "n\($0)" }
        let fixture = try fixture(
            Dictionary(uniqueKeysWithValues: names.indices.map { (names[$0], $0 < 99 ? [names[$0 + 1]] : []) }))
        #expect(fixture.message { try fetch(fixture, "n0") }.contains("64 levels deep"))
    }

    @Test func aDependencyGivenByIDMustBeThatImage() throws {
        let fixture = try FetchFixture()
        fixture.serveDiscovery()
        fixture.publish("example.com/b", FetchFixture.image("example.com/b"))
        let id = "sha512-" + String(repeating: "0", count: 128)
        let extra = ",\"dependencies\":[{\"imageName\":\"example.com/b\",\"imageID\":\"\(id)\"}]"
        fixture.publish("example.com/a", FetchFixture.image("example.com/a", extra: extra))
        let message = fixture.message { try fetch(fixture, "a") }
        #expect(message.contains("sha512-000000000000 was asked for"), "\(message)")
        #expect(try fixture.store.images().map(\.name) == ["example.com/a"])
    }
}
