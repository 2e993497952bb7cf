// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import HTTPTransport
import ImageFetch
import ImageStore
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A verifier that takes `signed by NAME` for a signature of images whose names begin with NAME.
struct NameVerifier: ImageVerifier {
    /// Says that it has looked at another file than there is.
    var isDeceived = false

    func verify(
        _ image: FileDescriptor, called label: String, signature: [UInt8], name: ACIdentifier
    ) throws -> VerifiedImage {
        let text = String(decoding: signature, as: UTF8.self)
        guard text.hasPrefix("signed by "), name.string.hasPrefix(text.dropFirst("signed by ".count)) else {
            throw RuntimeError(.untrusted, "openpgp: signature made by unknown entity")
        }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = try bytes.withUnsafeMutableBytes { try image.read(fromAbsoluteOffset: 0, into: $0) }
        let digest = SHA256.hash(data: bytes[..<count])
        return VerifiedImage(signers: [text], digest: isDeceived ? [] : Array(digest))
    }
}

/// A store and a web of a test's own.
struct FetchFixture {
    let scratch: ScratchDirectory
    let store: ImageStore
    let transport = WebTable()
    let notes = Notes()

    final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    init() throws {
        scratch = try ScratchDirectory()
        store = try ImageStore(dataDirectory: scratch.appending("data"))
    }

    func fetcher(
        _ policy: PullPolicy = .update, signed: Bool = false, isDeceived: Bool = false, http: Bool = false
    ) -> Fetcher {
        let notes = notes
        let web = WebAccess(transport, allowsPlainHTTP: http) { notes.add($0) }
        return Fetcher(
            store, web: web, verifier: signed ? NameVerifier(isDeceived: isDeceived) : nil, policy: policy,
            tell: { notes.add($0) })
    }

    static func image(_ name: String = "example.com/app", version: String = "1.0.0", extra: String = "") -> [UInt8] {
        TarFixture.image(TarFixture.manifest(name: name, version: version, extra: extra)).bytes()
    }

    /// A page at example.com that leads to `https://files.example.com/NAME-VERSION.aci`.
    func serveDiscovery() {
        transport.serve(
            "https://example.com?ac-discovery=1",
            .init(
                #"<meta name="ac-discovery" content="example.com https://files.example.com/{name}-{version}.{ext}">"#))
    }

    /// Makes an image available by discovery.
    func publish(_ name: String, version: String = "latest", _ body: [UInt8]) {
        transport.serve("https://files.example.com/\(name)-\(version).aci", .init(body))
    }

    /// Files of downloads that are not complete.
    func partials() throws -> [String] {
        try FileSystem.list(store.layout.temporary).filter { $0.hasPrefix("download-") }
    }

    func message<Value>(_ body: () throws -> Value) -> String {
        do {
            _ = try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }
}

struct FetcherTests {
    static let url = "https://files.example.com/app.aci"

    @Test func anImageIsFetchedAndItsOriginKept() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        let image = try fixture.fetcher().image(url: Self.url)
        #expect(image.name == "example.com/app")
        #expect(
            try fixture.store.origins(of: image).map(\.point)
                == ["cimd:aci-archive:v=0:https%3A%2F%2Ffiles.example.com%2Fapp.aci"])
        #expect(try fixture.partials() == [])
        #expect(fixture.notes.all.contains("remote fetching from URL \"\(Self.url)\""))
        #expect(fixture.notes.all.contains("fetching image from \(Self.url)"))
    }

    @Test func policyDecidesWhetherTheStoreWillDo() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        let absent = fixture.message { try fixture.fetcher(.never).image(url: Self.url) }
        #expect(absent.contains("unable to fetch image from url \"\(Self.url)\""))
        #expect(absent.contains("--pull-policy=never"))
        #expect(fixture.transport.requests.isEmpty)

        let first = try fixture.fetcher(.new).image(url: Self.url)
        #expect(fixture.transport.requests.count == 1)
        for policy in [PullPolicy.new, .never] {
            #expect(try fixture.fetcher(policy).image(url: Self.url).id == first.id)
        }
        #expect(fixture.transport.requests.count == 1)
        #expect(fixture.notes.all.last == "using image from local store for url \(Self.url)")

        _ = try fixture.fetcher(.update).image(url: Self.url)
        #expect(fixture.transport.requests.count == 2)

        try fixture.store.remove(first)
        #expect(throws: RuntimeError.self) { try fixture.fetcher(.never).image(url: Self.url) }
    }

    @Test func anUnchangedImageIsNotSentAgain() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(
            Self.url, .init(FetchFixture.image(), ["ETag": "\"1\""]),
            .init(FetchFixture.image(), ["ETag": "\"1\""]),
            .init(FetchFixture.image(version: "2"), ["ETag": "\"2\""]))
        let first = try fixture.fetcher().image(url: Self.url)
        #expect(try fixture.fetcher().image(url: Self.url).id == first.id)
        #expect(fixture.transport.takeAsked().map(\.status) == [200, 304])
        #expect(try fixture.fetcher().image(url: Self.url).version == "2")
        #expect(try fixture.partials() == [])
    }

    /// `Cache-Control`, and the statuses that two fetches get.
    @Test(arguments: [
        ("max-age=3600", [200]), ("public, Max-Age=\"3600\"", [200]), ("max-age=0", [200, 304]),
        ("max-age=3600, no-cache", [200, 304]), ("no-store, max-age=3600", [200, 200]), ("max-age=x", [200, 304]),
        ("max-age=99999999999999999999", [200, 304]), ("s-maxage=3600", [200, 304]),
    ])
    func aServerSaysHowLongItsAnswerHolds(control: String, statuses: [Int]) throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(
            Self.url, .init(FetchFixture.image(), ["ETag": "\"1\"", "Cache-Control": control]))
        for _ in 0..<2 { _ = try fixture.fetcher().image(url: Self.url) }
        #expect(fixture.transport.takeAsked().map(\.status) == statuses)
        if statuses == [200] {
            #expect(fixture.notes.all.contains("image for \(Self.url) isn't expired, not fetching."))
        }
    }

    @Test(arguments: [
        ["ETag": "\"1\""], ["Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT", "Date": "Sun, 02 Jan 2000 00:00:00 GMT"],
    ])
    func aBrokenDownloadIsResumed(fields: [String: String]) throws {
        let fixture = try FetchFixture()
        let body = FetchFixture.image()
        fixture.transport.serve(Self.url, .init(body, fields, breaksAfter: 1000), .init(body, fields))
        #expect(fixture.message { try fixture.fetcher().image(url: Self.url) }.contains("the connection broke"))
        #expect(try fixture.partials().count == 2)
        _ = try fixture.fetcher().image(url: Self.url)
        #expect(
            fixture.transport.takeAsked() == [
                .init(url: Self.url, status: 200, sent: 1000),
                .init(url: Self.url, status: 206, sent: body.count - 1000),
            ])
        #expect(try fixture.partials() == [])
    }

    @Test(arguments: [[:], ["ETag": "W/\"1\""]])
    func withoutAValidatorADownloadBeginsAnew(fields: [String: String]) throws {
        let fixture = try FetchFixture()
        let body = FetchFixture.image()
        fixture.transport.serve(Self.url, .init(body, fields, breaksAfter: 1000), .init(body, fields))
        #expect(throws: RuntimeError.self) { try fixture.fetcher().image(url: Self.url) }
        _ = try fixture.fetcher().image(url: Self.url)
        #expect(fixture.transport.takeAsked().map(\.sent) == [1000, body.count])
    }

    @Test func anImageThatChangedMeanwhileBeginsAnew() throws {
        let fixture = try FetchFixture()
        let body = FetchFixture.image(version: "2")
        fixture.transport.serve(
            Self.url, .init(FetchFixture.image(), ["ETag": "\"1\""], breaksAfter: 1000),
            .init(body, ["ETag": "\"2\""]))
        #expect(throws: RuntimeError.self) { try fixture.fetcher().image(url: Self.url) }
        #expect(try fixture.fetcher().image(url: Self.url).version == "2")
        #expect(fixture.transport.takeAsked().map(\.sent) == [1000, body.count])
    }

    @Test func aCompletePartialDownloadIsFetchedAnew() throws {
        let fixture = try FetchFixture()
        let body = FetchFixture.image()
        let longer = body + [0]
        fixture.transport.serve(
            Self.url, .init(longer, ["ETag": "\"1\""], breaksAfter: body.count), .init(body, ["ETag": "\"1\""]))
        #expect(throws: RuntimeError.self) { try fixture.fetcher().image(url: Self.url) }
        _ = try fixture.fetcher().image(url: Self.url)
        #expect(fixture.transport.takeAsked().map(\.status) == [200, 416, 200])
    }

    /// What a server may answer that is no image, and what the message says.
    static let refusals: [(WebTable.Resource, String)] = [
        (.init("no", status: 401), "bad HTTP status code: 401"),
        (.init("no", status: 404), "bad HTTP status code: 404"),
        (.init(Array("<html>".utf8), ["Content-Type": "text/html; charset=utf-8"]), "is a web page (text/html)"),
        (.init("<html>please log in</html>"), "it is text, not a tar archive"),
        (.init([]), "it is empty"),
        (.init("x", status: 304), "bad HTTP status code: 304"),
        (.init("x", status: 202), "bad HTTP status code: 202"),
    ]

    @Test(arguments: refusals)
    func whatIsNoImageIsRefused(resource: WebTable.Resource, reason: String) throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, resource)
        let message = fixture.message { try fixture.fetcher().image(url: Self.url) }
        #expect(message.contains(reason), "\(message)")
        #expect(message.contains(Self.url))
        #expect(try fixture.store.images().isEmpty)
        if resource.status == 200 {
            fixture.transport.serve(Self.url, .init(FetchFixture.image()))
            _ = try fixture.fetcher().image(url: Self.url)
        }
    }

    // MARK: - Signatures

    @Test func theSignatureComesFirstAndMustBeRight() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        fixture.transport.serve(Self.url + ".asc", .init("signed by other.org"), .init("signed by example.com"))
        let message = fixture.message { try fixture.fetcher(signed: true).image(url: Self.url) }
        #expect(message.contains("signature made by unknown entity"))
        #expect(try fixture.store.images().isEmpty)
        #expect(try fixture.partials() == [])
        #expect(fixture.transport.takeAsked().map(\.url) == [Self.url + ".asc", Self.url])
        _ = try fixture.fetcher(signed: true).image(url: Self.url)
        #expect(fixture.notes.all.suffix(2) == ["signature verified:", "  signed by example.com"])
    }

    @Test func whatEntersTheStoreIsWhatWasSigned() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        fixture.transport.serve(Self.url + ".asc", .init("signed by example.com"))
        let message = fixture.message { try fixture.fetcher(signed: true, isDeceived: true).image(url: Self.url) }
        #expect(message.contains("it changed while it was read"))
        #expect(try fixture.store.images().isEmpty)
    }

    @Test func withoutASignatureNothingIsDownloaded() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        fixture.transport.serve(Self.url + ".asc", .init("no", status: 404))
        let message = fixture.message { try fixture.fetcher(signed: true).image(url: Self.url) }
        #expect(message.contains("error downloading the signature file"))
        #expect(message.contains("bad HTTP status code: 404"))
        #expect(fixture.transport.takeAsked().map(\.url) == [Self.url + ".asc"])
    }

    @Test func aSignatureMayComeLater() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        fixture.transport.serve(Self.url + ".asc", .init("", status: 202), .init("signed by example.com"))
        _ = try fixture.fetcher(signed: true).image(url: Self.url)
        #expect(fixture.transport.takeAsked().map(\.url) == [Self.url + ".asc", Self.url, Self.url + ".asc"])
        #expect(fixture.notes.all.contains("server requested deferring the signature download"))

        let other = try FetchFixture()
        other.transport.serve(Self.url, .init(FetchFixture.image()))
        other.transport.serve(Self.url + ".asc", .init("", status: 202))
        #expect(throws: RuntimeError.self) { try other.fetcher(signed: true).image(url: Self.url) }
        #expect(try other.store.images().isEmpty)
    }

    @Test func aSignatureMayBeAFile() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image()))
        let path = fixture.scratch.appending("app.sig")
        let missing = fixture.message { try fixture.fetcher(signed: true).image(url: Self.url, signature: path) }
        #expect(missing.contains("error opening signature file"))
        try FileSystem.write("signed by example.com".utf8, to: path)
        _ = try fixture.fetcher(signed: true).image(url: Self.url, signature: path)
    }

    @Test func aFileNeedsASignatureBesideIt() throws {
        let fixture = try FetchFixture()
        let path = fixture.scratch.appending("app.aci")
        try FileSystem.write(FetchFixture.image(), to: path)
        let missing = fixture.message { try fixture.fetcher(signed: true).image(file: path) }
        #expect(missing.contains("--insecure-options=image"))
        #expect(missing.hasSuffix("error opening signature file: open \(path).asc: no such file or directory"))
        try FileSystem.write("signed by other.org".utf8, to: FilePath("\(path).asc"))
        #expect(throws: RuntimeError.self) { try fixture.fetcher(signed: true).image(file: path) }
        #expect(try fixture.store.images().isEmpty)
        try FileSystem.write("signed by example.com".utf8, to: FilePath("\(path).asc"))
        let image = try fixture.fetcher(signed: true).image(file: path)
        #expect(try fixture.store.origins(of: image).map(\.point).first?.hasPrefix("cimd:aci-archive:v=0:file") == true)
        _ = try fixture.fetcher().image(file: path)
    }

    // MARK: - Names

    @Test func aNameIsDiscoveredFetchedAndPreferredLater() throws {
        let fixture = try FetchFixture()
        fixture.serveDiscovery()
        fixture.publish("example.com/app", FetchFixture.image(version: "3"))
        fixture.publish("example.com/app", version: "2", FetchFixture.image(version: "2"))
        #expect(try fixture.fetcher(.new).image(name: "example.com/app").version == "3")
        #expect(try fixture.fetcher(.new).image(name: "example.com/app:2").version == "2")
        let asked = fixture.transport.requests.count
        #expect(try fixture.fetcher(.new).image(name: "example.com/app").version == "3")
        #expect(fixture.transport.requests.count == asked)
        #expect(fixture.notes.all.last == "using image from local store for image name example.com/app")
        #expect(fixture.notes.all.contains("searching for app image example.com/app:2"))
    }

    @Test(arguments: [
        ("example.com/app", FetchFixture.image("example.com/other"), "is named \"example.com/other\""),
        (
            "example.com/app:latest", FetchFixture.image(),
            "requested value for label \"version\": \"latest\" differs from fetched aci label value: \"1.0.0\""
        ),
        (
            "example.com/app,channel=beta", FetchFixture.image(),
            "requested label \"channel\" not provided by the image manifest"
        ),
    ])
    func anotherImageThanAskedForIsRefused(name: String, image: [UInt8], reason: String) throws {
        let fixture = try FetchFixture()
        fixture.serveDiscovery()
        fixture.publish("example.com/app", image)
        let message = fixture.message { try fixture.fetcher().image(name: name) }
        #expect(message.contains("unable to fetch image from image name \"\(name)\""))
        #expect(message.contains(reason), "\(message)")
        #expect(try fixture.store.images().isEmpty)
    }

    // MARK: - Places

    private static let places = (1...9).map { "https://\($0).example.com/app.aci" }

    /// A page that names the places, one that needs plain HTTP among them.
    private func servePlaces(_ fixture: FetchFixture, _ count: Int) {
        let tags = (["http://plain.example.com/app.aci"] + Self.places.prefix(count)).map { url in
            "<meta name=\"ac-discovery\" content=\"example.com \(url.dropLast("aci".count)){ext}\">"
        }
        fixture.transport.serve("https://example.com?ac-discovery=1", .init(tags.joined()))
    }

    /// What the first place has instead of a signed image, and its signature.
    static let failures: [(WebTable.Resource?, String)] = [
        (nil, "signed by example.com"), (.init("no", status: 503), "signed by example.com"),
        (.init(Array("<html>".utf8), ["Content-Type": "text/html"]), "signed by example.com"),
        (.init("damaged"), "signed by example.com"), (.init(FetchFixture.image()), "signed by other.org"),
        (.init(FetchFixture.image("example.com/other")), "signed by example.com"),
    ]

    @Test(arguments: failures)
    func whenAPlaceFailsTheNextOneIsAsked(resource: WebTable.Resource?, signature: String) throws {
        let fixture = try FetchFixture()
        servePlaces(fixture, 3)
        if let resource { fixture.transport.serve(Self.places[0], resource) }
        fixture.transport.serve(Self.places[0] + ".asc", .init(signature))
        fixture.transport.serve(Self.places[1], .init(FetchFixture.image()))
        fixture.transport.serve(Self.places[1] + ".asc", .init("signed by example.com"))
        let image = try fixture.fetcher(signed: true).image(name: "example.com/app")
        #expect(
            try fixture.store.origins(of: image).map(\.point).contains(
                "cimd:aci-archive:v=0:https%3A%2F%2F2.example.com%2Fapp.aci"))
        #expect(fixture.notes.all.contains { $0.contains("\(Self.places[0]) has not given the image, trying") })
        #expect(!fixture.transport.requests.contains { $0.url.hasPrefix(Self.places[2]) })
        #expect(try fixture.partials() == [])
    }

    @Test func whenAllPlacesFailEachIsNamed() throws {
        let fixture = try FetchFixture()
        servePlaces(fixture, 9)
        for place in Self.places { fixture.transport.serve(place, .init("no", status: 404)) }
        let message = fixture.message { try fixture.fetcher().image(name: "example.com/app") }
        for place in Self.places.dropLast() {
            #expect(message.contains("\(place): bad HTTP status code: 404"), "\(message)")
        }
        // A page may name any number of them.
        #expect(
            fixture.transport.requests.map(\.url) == [
                "https://example.com/app?ac-discovery=1", "https://example.com?ac-discovery=1",
            ] + Self.places.dropLast())
    }

    @Test func aPartialDownloadIsForTheWholeGroup() throws {
        let fixture = try FetchFixture()
        fixture.transport.serve(Self.url, .init(FetchFixture.image(), ["ETag": "\"1\""], breaksAfter: 1000))
        #expect(throws: RuntimeError.self) { try fixture.fetcher().image(url: Self.url) }
        for name in try fixture.partials() {
            #expect(try FileSystem.status(fixture.store.layout.temporary.appending(name)).mode == 0o660)
        }
    }

    @Test func aPlatformThatDoesNotExistIsNotAskedFor() throws {
        let fixture = try FetchFixture()
        #expect(throws: RuntimeError.self) { try fixture.fetcher().image(name: "example.com/app,os=linux,arch=x") }
        #expect(fixture.transport.requests.isEmpty)
    }

    @Test func aNameThatIsAbsentIsRefusedWithoutANetwork() throws {
        let fixture = try FetchFixture()
        let message = fixture.message { try fixture.fetcher(.never).image(name: "example.com/app") }
        #expect(message.hasPrefix("unable to fetch image from image name \"example.com/app\""))
        #expect(fixture.transport.requests.isEmpty)
    }
}
