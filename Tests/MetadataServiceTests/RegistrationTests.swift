// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import MetadataService
import Synchronization
import SystemPackage
import TestSupport
import Testing

struct RegistrationTests {
    private typealias Fixture = ServiceFixture

    @Test func thePortIsTold() {
        let answer = Fixture().put()
        #expect(answer.status == 200)
        #expect(answer.type == .json)
        #expect(answer.text == #"{"port":18112}"#)
    }

    @Test(arguments: [
        ("/pods/not-a-uuid?token=\(ServiceFixture.token)&address=10.0.0.1", 400),
        ("/pods/2C3F4B1E-8D1A-4B9E-9A57-0F0E6F2F9D11?token=\(ServiceFixture.token)&address=10.0.0.1", 400),
        ("/pods/00000000-0000-0000-0000-000000000000?token=\(ServiceFixture.token)&address=10.0.0.1", 400),
        ("/pods/\(ServiceFixture.uuid)?address=10.0.0.1", 400),
        ("/pods/\(ServiceFixture.uuid)?token=short&address=10.0.0.1", 400),
        ("/pods/\(ServiceFixture.uuid)?token=00112233445566778899AABBCCDDEEFF&address=10.0.0.1", 400),
        ("/pods/\(ServiceFixture.uuid)?token=\(ServiceFixture.token)", 400),
        ("/pods/\(ServiceFixture.uuid)?token=\(ServiceFixture.token)&address=fe80::1%25eth0", 400),
        ("/pods/\(ServiceFixture.uuid)?token=\(ServiceFixture.token)&address=example.com", 400),
        ("/pods/\(ServiceFixture.uuid)?token=\(ServiceFixture.token)&address=10.0.0.1&x=1", 400),
        ("/pods", 404), ("/", 404), ("/pods/\(ServiceFixture.uuid)/web/x", 404), ("/other/x", 404),
        ("/pods/\(ServiceFixture.uuid)/Web", 400), ("/pods/\(ServiceFixture.uuid)/web", 404),
    ])
    func requestsThatBreakRulesAreRefused(target: String, status: Int) {
        let answer = Fixture().register("PUT", target, ServiceFixture.manifest())
        #expect(answer.status == status)
        #expect(!answer.body.isEmpty)
    }

    @Test func manifestsAreChecked() {
        let service = Fixture()
        let target = "/pods/\(Fixture.uuid)?token=\(Fixture.token)&address=10.0.0.1"
        #expect(service.register("PUT", target, "{").status == 400)
        #expect(service.register("PUT", target, Fixture.image).status == 400)
        #expect(service.register("PUT", target, Fixture.manifest()).status == 200)
        #expect(service.register("PUT", "/pods/\(Fixture.uuid)/none", Fixture.image).status == 400)
        #expect(service.register("PUT", "/pods/\(Fixture.uuid)/web", Fixture.manifest()).status == 400)
        #expect(service.register("PUT", "/pods/\(Fixture.uuid)/web", Fixture.image).status == 200)
    }

    @Test func bodiesAndMethodsAreChecked() {
        let service = Fixture()
        var head = RequestHead(
            method: "PUT", target: "/pods/\(Fixture.uuid)?token=\(Fixture.token)&address=10.0.0.1")
        for (length, status) in [(nil, 411), ("4194305", 413)] as [(String?, Int)] {
            head.contentLength = length
            guard case .answer(let answer) = service.endpoints.judge(registration: head) else {
                Issue.record("a length of \(length ?? "none") is taken")
                continue
            }
            #expect(answer.status == status)
        }
        let get = service.register("GET", "/pods/\(Fixture.uuid)")
        #expect(get.status == 405)
        #expect(get.allow == "PUT, DELETE")
        #expect(service.register("DELETE", "/pods/\(Fixture.uuid)/web").allow == "PUT")
    }

    @Test func aTokenIsOfOnePod() {
        let service = Fixture.registered()
        #expect(service.put(Fixture.other, token: Fixture.token).status == 409)
        #expect(service.get(Fixture.base + "/pod/uuid").text == Fixture.uuid)
    }

    /// An app that is added to a running pod is two requests.
    @Test func anotherPutKeepsTheImagesOfAppsThatStay() {
        let service = Fixture.registered()
        let target = "/pods/\(Fixture.uuid)?token=\(Fixture.token)&address=\(Fixture.address)&address=10.0.0.7"
        let manifest = """
            {"acKind": "PodManifest", "acVersion": "0.8.11", "apps": [
              {"name": "web", "image": {"id": "\(Fixture.imageID)"}},
              {"name": "new", "image": {"id": "\(Fixture.imageID)"}}]}
            """
        #expect(service.register("PUT", target, manifest).status == 200)
        #expect(service.get(Fixture.base + "/apps/web/image/manifest", from: "10.0.0.7").text == Fixture.image)
        #expect(service.get(Fixture.base + "/apps/log/image/manifest").status == 404)
        #expect(service.get(Fixture.base + "/apps/new/image/manifest").status == 404)
        #expect(service.register("PUT", "/pods/\(Fixture.uuid)/new", Fixture.plainImage).status == 200)
        #expect(service.get(Fixture.base + "/apps/new/image/manifest").text == Fixture.plainImage)
    }

    @Test func aPodThatIsRemovedIsUnknown() throws {
        let service = Fixture.registered()
        let signature = service.sign("hello")
        #expect(service.register("DELETE", "/pods/\(Fixture.uuid)").status == 200)
        #expect(service.register("DELETE", "/pods/\(Fixture.uuid)").status == 404)
        #expect(service.get(Fixture.base + "/pod/uuid").status == 401)
        #expect(!service.endpoints.accepts(try #require(IPAddress(Fixture.address))))
        #expect(service.verify(signature, "hello").status == 403)
    }

    /// Pods on the host's network have one address, and go one by one.
    @Test func anAddressMayBeOfManyPods() throws {
        let service = Fixture()
        #expect(service.put(address: "127.0.0.1").status == 200)
        #expect(service.put(Fixture.other, token: Fixture.otherToken, address: "127.0.0.1").status == 200)
        let loopback = try #require(IPAddress("127.0.0.1"))
        #expect(service.get(Fixture.base + "/pod/uuid", from: "127.0.0.1").text == Fixture.uuid)
        #expect(service.register("DELETE", "/pods/\(Fixture.uuid)").status == 200)
        #expect(service.endpoints.accepts(loopback))
        #expect(service.register("DELETE", "/pods/\(Fixture.other)").status == 200)
        #expect(!service.endpoints.accepts(loopback))
    }

    // MARK: - Another start

    @Test func anotherStartKnowsThePods() throws {
        let directory = try ScratchDirectory()
        let files = RegistryFiles(directory.path)
        let first = Fixture.registered(files: files)
        let signature = first.sign("hello")
        let file = directory.appending("\(Fixture.uuid).pod")
        #expect(try FileSystem.status(file).mode & 0o777 == 0o600)
        #expect(!(try FileSystem.readText(file)).contains(Fixture.token))
        let second = Fixture(files: files)
        #expect(second.endpoints.count == 2)
        #expect(second.get(Fixture.base + "/pod/manifest").text == Fixture.manifest())
        #expect(second.get(Fixture.base + "/apps/web/image/manifest").text == Fixture.image)
        #expect(second.get(Fixture.base + "/apps/web/annotations/color").text == "blue")
        #expect(second.verify(signature, "hello").status == 403)
        #expect(second.register("DELETE", "/pods/\(Fixture.uuid)").status == 200)
        #expect(!FileSystem.exists(file))
        #expect(Fixture(files: files).endpoints.count == 1)
    }

    @Test func filesThatCannotBeReadAreReportedAndLeftOut() throws {
        let directory = try ScratchDirectory()
        _ = Fixture.registered(files: RegistryFiles(directory.path))
        let file = directory.appending("\(Fixture.uuid).pod")
        let whole = try FileSystem.read(file)
        for cut in [0, 10, whole.count / 2, whole.count - 1] {
            try FileSystem.write(whole.prefix(cut), to: file)
            let reports = Mutex<[String]>([])
            let service = Fixture(files: RegistryFiles(directory.path)) { text in reports.withLock { $0.append(text) } }
            #expect(service.endpoints.count == 1)
            #expect(reports.withLock { $0.count } == 1)
            #expect(reports.withLock { $0.first?.contains("\(Fixture.uuid) is left out") } == true)
        }
    }

    @Test func aPodThatCannotBeKeptIsNotRegistered() throws {
        let directory = try ScratchDirectory()
        let service = Fixture(files: RegistryFiles(directory.appending("none")))
        let answer = service.put()
        #expect(answer.status == 500)
        #expect(service.endpoints.count == 0)
    }
}
