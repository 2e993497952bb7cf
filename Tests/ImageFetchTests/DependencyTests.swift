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

    /// Two downloads of one URL at once would wait for each other for ever.
    @Test(.timeLimit(.minutes(5))) func dependenciesAtOneURLAreFetchedOnce() throws {
        let fixture = try fixture(["b": []])
        let extra = """
            ,"dependencies":[{"imageName":"example.com/b"},
             {"imageName":"example.com/b","size":1048576}]
            """
        fixture.publish("example.com/a", FetchFixture.image("example.com/a", extra: extra))
        try fetch(fixture, "a")
        #expect(try fixture.store.images().map(\.name).sorted() == ["example.com/a", "example.com/b"])
        #expect(
            fixture.transport.takeAsked().map(\.url).filter { $0.hasSuffix(".aci") } == [
                "https://files.example.com/example.com/a-latest.aci",
                "https://files.example.com/example.com/b-latest.aci",
            ])
    }

    @Test func tooManyDependenciesAreNotAskedFor() throws {
        let fixture = try fixture(["a": (0..<513).map { "n\($0)" }])
        let message = fixture.message { try fetch(fixture, "a") }
        #expect(message.contains("example.com/a depends on more than 512 images"), "\(message)")
        #expect(!fixture.transport.requests.contains { $0.url.contains("/n") })
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
