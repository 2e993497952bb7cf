// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import ImageFetch
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

struct RegistryImagesTests {
    private let layout: LayoutFixture
    private let image: String
    private var table: RegistryTable
    private let reference: RegistryReference

    init() throws {
        layout = try LayoutFixture()
        var base = TarFixture()
        base.add("etc/", .directory)
        base.add("etc/motd", "hello")
        var top = TarFixture()
        top.add("etc/motd", "good bye")
        image = try layout.addImage([LayoutFixture.Layer(base), LayoutFixture.Layer(top), LayoutFixture.Layer(base)])
        table = RegistryTable(layout)
        table.tags["1.0"] = try Self.digest(of: image)
        reference = try RegistryReference(parsing: "docker://registry.example.com/team/app:1.0")
    }

    private static func digest(of descriptor: String) throws -> ContentDigest {
        let value = try JSONValue(parsing: Array(descriptor.utf8))
        return try ContentDigest(parsing: try #require(value["digest"]?.string))
    }

    /// Fetches and returns the image and where its ACI is.
    private func fetch(
        _ transport: TableTransport, _ reference: RegistryReference? = nil,
        security: RegistrySecurity = RegistrySecurity(), settings: ConversionSettings? = nil,
        credentials: @escaping @Sendable (String) throws -> HTTPField? = { _ in nil }
    ) throws -> (image: ConvertedImage, archive: FilePath) {
        let archive = layout.scratch.appending("fetched.aci")
        let file = try FileDescriptor.open(
            archive, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        let images = RegistryImages(
            transport: transport, security: security, settings: settings ?? layout.settings, credentials: credentials)
        return (try images.fetch(reference ?? self.reference, writingTo: file), archive)
    }

    private func refusal(
        _ transport: TableTransport, _ reference: RegistryReference? = nil,
        security: RegistrySecurity = RegistrySecurity()
    ) throws -> RuntimeError {
        do {
            _ = try fetch(transport, reference, security: security)
        } catch let error as RuntimeError {
            return error
        }
        Issue.record("it was fetched")
        return RuntimeError(.internal, "fetched")
    }

    // MARK: - Images

    @Test(.requiresRoot) func anImageComesWithAllItsLayers() throws {
        let transport = TableTransport { [table] in table.answer($0) }
        let (image, archive) = try fetch(transport)
        #expect(image.manifest.name == "registry.example.com/team/app")
        #expect(image.manifest.version == "1.0")
        #expect(image.manifest.annotation("appc.io/docker/registryurl") == "registry.example.com")
        #expect(image.manifest.annotation("appc.io/docker/repository") == "team/app")
        #expect(image.manifest.annotation("appc.io/docker/tag") == "1.0")
        #expect(image.rootDigest == table.tags["1.0"])
        #expect(image.url == table.base + "manifests/1.0")
        let root = try layout.render(archive)
        #expect(try FileSystem.readText(root.appending("etc/motd")) == "hello")
        // The lowest layer is the topmost one too, and comes once.
        let blobs = transport.requests.filter { $0.url.contains("/blobs/") }.map(\.url)
        #expect(blobs.count == 3 && Set(blobs).count == 3)
        let accept = transport.requests[0].fields.filter { $0.name == "Accept" }.map(\.value)
        #expect(accept.contains("application/vnd.docker.distribution.manifest.v2+json"))
    }

    @Test func theImageForTheGuestIsChosenFromAnIndex() throws {
        let other = try layout.addImage([LayoutFixture.Layer(TarFixture())], extra: LayoutFixture.platform("s390x"))
        let ours = image.dropLast() + LayoutFixture.platform("amd64") + "}"
        let index = try layout.add(
            Array(#"{"schemaVersion":2,"manifests":[\#(other),\#(ours)]}"#.utf8),
            "application/vnd.oci.image.index.v1+json")
        var table = table
        table.tags["multi"] = try Self.digest(of: index)
        table.contentType = "application/vnd.oci.image.index.v1+json"
        var settings = layout.settings
        settings.platform = ImagePlatform(system: "linux", architecture: "amd64")
        let transport = TableTransport { [table] in table.answer($0) }
        let reference = try RegistryReference(parsing: "registry.example.com/team/app:multi")
        let fetched = try fetch(transport, reference, settings: settings).image
        #expect(fetched.manifestDigest == table.tags["1.0"])
        #expect(fetched.rootDigest == table.tags["multi"])
        settings.platform.architecture = "riscv64"
        #expect {
            try fetch(transport, reference, settings: settings)
        } throws: { error in
            "\(error)".contains("no image for linux/riscv64; it has images for linux/amd64, linux/s390x")
        }
    }

    @Test func theDigestOfATagIsToldWithoutFetching() throws {
        let transport = TableTransport { [table] in table.answer($0) }
        let images = RegistryImages(transport: transport, settings: layout.settings)
        #expect(try images.currentDigest(reference) == table.tags["1.0"])
        #expect(transport.requests.map(\.method) == [.head])
    }

    @Test func anImageCanBeNamedByItsDigest() throws {
        let digest = try #require(table.tags["1.0"])
        let transport = TableTransport { [table] in table.answer($0) }
        let byDigest = try RegistryReference(parsing: "registry.example.com/team/app@\(digest)")
        let image = try fetch(transport, byDigest).image
        #expect(image.manifest.version == "sha256-\(digest.hex)")
        #expect(image.manifest.annotation("appc.io/docker/tag") == nil)
    }

    // MARK: - Authentication

    @Test func aTokenIsGotAndSentWithEveryRequest() throws {
        let table = table
        let transport = TableTransport { request in
            if request.url.hasPrefix("https://auth.example.com/") {
                guard request["Authorization"] == "Basic dTpw" else {
                    return HTTPResponse(status: 401, url: request.url)
                }
                return HTTPResponse(status: 200, url: request.url, body: Array(#"{"token":"abc.def"}"#.utf8))
            }
            if request["Authorization"] == "Bearer abc.def" { return table.answer(request) }
            let challenge =
                #"Bearer realm="https://auth.example.com/token",service="reg, ex",scope="repository:team/app:pull""#
            return HTTPResponse(status: 401, fields: [HTTPField("www-authenticate", challenge)], url: request.url)
        }
        _ = try fetch(transport) { $0 == "registry.example.com" ? HTTPField("Authorization", "Basic dTpw") : nil }
        let tokens = transport.requests.filter { $0.url.contains("auth.example.com") }.map(\.url)
        #expect(tokens == ["https://auth.example.com/token?service=reg,%20ex&scope=repository:team/app:pull"])
        // Credentials are for the token server; the registry gets the token.
        #expect(!transport.requests.contains { $0.url.hasPrefix(table.base) && $0["Authorization"] == "Basic dTpw" })
    }

    @Test func aTokenThatRunsOutBetweenManifestAndLayersIsRenewed() throws {
        let table = table
        let issued = Mutex(0)
        let transport = TableTransport { request in
            if request.url.hasPrefix("https://auth.example.com/") {
                let number = issued.withLock { count in
                    count += 1
                    return count
                }
                return HTTPResponse(status: 200, url: request.url, body: Array(#"{"access_token":"t\#(number)"}"#.utf8))
            }
            let isLayer = request.url.contains("/blobs/") && issued.withLock { $0 } > 0 && request.limit < 1 << 20
            if request["Authorization"] == (isLayer ? "Bearer t2" : "Bearer t1") { return table.answer(request) }
            if !isLayer, request["Authorization"] != nil { return table.answer(request) }
            let challenge = #"Bearer realm="https://auth.example.com/token""#
            return HTTPResponse(status: 401, fields: [HTTPField("WWW-Authenticate", challenge)], url: request.url)
        }
        _ = try fetch(transport)
        #expect(issued.withLock { $0 } == 2)
    }

    @Test func basicCredentialsAreSentWhenAskedFor() throws {
        let table = table
        let transport = TableTransport { request in
            if request["Authorization"] == "Basic dTpw" { return table.answer(request) }
            let field = HTTPField("WWW-Authenticate", #"Basic realm="Registry""#)
            return HTTPResponse(status: 401, fields: [field], url: request.url)
        }
        _ = try fetch(transport) { _ in HTTPField("Authorization", "Basic dTpw") }
        #expect(transport.requests[0]["Authorization"] == nil)
        let error = try refusal(transport)
        #expect(error.code == .permissionDenied)
        #expect(error.message.contains("bad HTTP status code: 401"))
        #expect(error.message.contains("dockerAuth"))
    }

    @Test func theUsualPortMayBeGivenOrNot() throws {
        var table = RegistryTable(layout, host: "registry.example.com:443")
        table.tags = self.table.tags
        let transport = TableTransport { [table] request in
            if request["Authorization"] == "Basic dTpw" { return table.answer(request) }
            let field = HTTPField("WWW-Authenticate", #"Basic realm="Registry""#)
            // As programs shorten it.
            return HTTPResponse(status: 401, fields: [field], url: "https://Registry.example.com/v2/")
        }
        let reference = try RegistryReference(parsing: "registry.example.com:443/team/app:1.0")
        let image = try fetch(transport, reference) { _ in HTTPField("Authorization", "Basic dTpw") }.image
        #expect(image.rootDigest == table.tags["1.0"])
    }

    @Test(arguments: ["http://auth.example.com/token", "auth.example.com", "https://me@auth.example.com/"])
    func credentialsGoToNoInsecureTokenServer(realm: String) throws {
        let transport = TableTransport { request in
            let field = HTTPField("WWW-Authenticate", #"Bearer realm="\#(realm)""#)
            return HTTPResponse(status: 401, fields: [field], url: request.url)
        }
        let error = try refusal(transport)
        #expect(error.code == .untrusted)
        #expect(transport.requests.count == 1)
    }

    @Test func aServerBehindARedirectGetsNoCredentials() throws {
        let asked = Mutex(false)
        let transport = TableTransport { _ in
            let field = HTTPField("WWW-Authenticate", #"Basic realm="x""#)
            return HTTPResponse(status: 401, fields: [field], url: "https://elsewhere.example.com/")
        }
        #expect(throws: RuntimeError.self) {
            try fetch(transport) { _ in
                asked.withLock { $0 = true }
                return HTTPField("Authorization", "Basic dTpw")
            }
        }
        #expect(!asked.withLock { $0 })
    }

    @Test func plainHTTPIsUsedOnlyWhereItIsAllowed() throws {
        let table = table
        let transport = TableTransport { request in
            guard request.url.hasPrefix("http://"), request.allowsPlainHTTP else {
                throw RuntimeError(.timeout, "connection refused")
            }
            var secure = request
            secure.url = "https" + request.url.dropFirst(4)
            return table.answer(secure)
        }
        #expect(try refusal(transport).message == "connection refused")
        _ = try fetch(transport, security: RegistrySecurity(allowsPlainHTTP: true))
    }

    // MARK: - Hostile registries

    @Test func whatDoesNotHaveItsDigestIsRefused() throws {
        let table = table
        let parts = ["manifests/1.0": "the manifest of", "blobs/": "is damaged or was tampered with"]
        for (part, message) in parts {
            let transport = TableTransport { request in
                var response = table.answer(request)
                if request.url.contains(part), let last = response.body.indices.last { response.body[last] ^= 1 }
                return response
            }
            let error = try refusal(transport)
            #expect(error.code == .untrusted)
            #expect(error.message.contains(message))
        }
    }

    @Test func aLayerThatEndsEarlyIsRefused() throws {
        let table = table
        let transport = TableTransport { request in
            var response = table.answer(request)
            if request.url.contains("/blobs/"), response.body.count > 1000 { response.body.removeLast(512) }
            return response
        }
        #expect(try refusal(transport).code == .untrusted)
    }

    @Test(arguments: [
        (#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#, "schema 1, which is obsolete"),
        (#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}"#, "schema 1"),
        (#"{"schemaVersion":2,"mediaType":"text/html","layers":[]}"#, "config.mediaType is missing"),
        (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "both"),
        (
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
            "it has images for nothing"
        ),
        ("<html>", "malformed JSON"),
        ("[]", "is not a JSON object"),
    ])
    func otherManifestsAreRefused(document: String, message: String) throws {
        let transport = TableTransport { request in
            HTTPResponse(
                status: 200, fields: [HTTPField("Content-Type", "application/vnd.oci.image.manifest.v1+json")],
                url: request.url, body: Array(document.utf8))
        }
        #expect(try refusal(transport).description.contains(message))
    }

    @Test func anImageThatIsNotThereIsNamed() throws {
        let transport = TableTransport { [table] in table.answer($0) }
        let error = try refusal(transport, try RegistryReference(parsing: "registry.example.com/team/app:none"))
        #expect(error.code == .notFound)
        #expect(
            error.message == "cannot get the manifest of registry.example.com/team/app:none from registry.example.com: "
                + "bad HTTP status code: 404 (\"manifest unknown\"); check the name and the tag")
    }
}
