// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import MetadataService
import Testing

struct MetadataAnswersTests {
    private static let text = "text/plain; charset=us-ascii"
    private static let json = "application/json"
    private static let base = ServiceFixture.base

    /// Each path with its type and its body, to the byte.
    @Test(arguments: [
        ("/pod/annotations", json, "null"),
        ("/pod/manifest", json, ServiceFixture.manifest()),
        ("/pod/uuid", text, ServiceFixture.uuid),
        (
            "/apps/web/annotations", json,
            #"[{"name":"color","value":"blue"},{"name":"size","value":"9"},{"name":"example.com/new","value":"1"}]"#
        ),
        ("/apps/log/annotations", json, "[]"),
        ("/apps/web/annotations/color", text, "blue"),
        ("/apps/web/annotations/size", text, "9"),
        ("/apps/web/annotations/example.com/new", text, "1"),
        ("/apps/web/annotations/example.com%2Fnew", text, "1"),
        ("/apps/%77eb/image/id", text, ServiceFixture.imageID),
        ("/apps/web/image/manifest", json, ServiceFixture.image),
        ("/apps/log/image/manifest?x=1", json, ServiceFixture.plainImage),
    ])
    func thePodIsToldAboutItself(path: String, type: String, body: String) {
        let answer = ServiceFixture.registered().get(Self.base + path)
        #expect(answer.status == 200)
        #expect(answer.type.rawValue == type)
        #expect(answer.text == body)
    }

    @Test(arguments: [
        ("[]", "[]"), ("null", "null"),
        (
            #"[ {"value": "2", "name": "b"}, {"name": "a/b", "value": "1"} ]"#,
            #"[{"name":"b","value":"2"},{"name":"a/b","value":"1"}]"#
        ),
    ])
    func annotationsOfThePodAreAsTheManifestHasThem(list: String, body: String) {
        #expect(ServiceFixture.registered(annotations: list).get(Self.base + "/pod/annotations").text == body)
    }

    @Test func valuesOfAnnotationsMayBeOfAnyText() {
        let service = ServiceFixture.registered(annotations: #"[{"name": "greeting", "value": "grüezi\n"}]"#)
        #expect(service.get(Self.base + "/pod/annotations/greeting").text == "grüezi\n")
    }

    @Test(arguments: [
        ("/pod/annotations/none", 404), ("/pod/annotations/Not_A_Name", 400), ("/pod/annotations/", 400),
        ("/pod/annotations/a%2", 400), ("/apps/web/annotations/none", 404), ("/apps/none/annotations", 404),
        ("/apps/none/image/id", 404), ("/apps/a%2Fb/image/manifest", 404), ("/apps/web/image", 404),
        ("/apps/web", 404), ("/pod", 404), ("", 404), ("/pod/uuid/", 404), ("/../v1/pod/uuid", 404),
    ])
    func whatIsNotThereIsRefused(path: String, status: Int) {
        let answer = ServiceFixture.registered().get(Self.base + path)
        #expect(answer.status == status)
        #expect(answer.type == .text)
        #expect(!answer.body.isEmpty && !answer.text.contains("\n"))
    }

    @Test func anAppWithoutItsImageIsNotThere() {
        let service = ServiceFixture()
        #expect(service.put().status == 200)
        for path in ["annotations", "annotations/color", "image/id", "image/manifest"] {
            #expect(service.get("\(Self.base)/apps/web/\(path)").status == 404)
        }
    }

    @Test(arguments: [("/pod/uuid", "POST", "GET"), ("/pod/uuid", "HEAD", "GET"), ("/pod/hmac/sign", "GET", "POST")])
    func methodsAreNamed(path: String, method: String, allow: String) {
        let answer = ServiceFixture.registered().get(Self.base + path, method: method)
        #expect(answer.status == 405)
        #expect(answer.allow == allow)
    }

    /// The token of another pod, an address of another pod, and neither: all the same.
    @Test(arguments: [
        ("/\(ServiceFixture.token)/acMetadata/v1/pod/uuid", ServiceFixture.otherAddress),
        ("/\(ServiceFixture.otherToken)/acMetadata/v1/pod/uuid", ServiceFixture.address),
        ("/\(ServiceFixture.token)/acMetadata/v1/pod/uuid", "10.1.1.1"),
        ("/\(ServiceFixture.token)0/acMetadata/v1/pod/uuid", ServiceFixture.address),
        ("/00112233445566778899AABBCCDDEEFF/acMetadata/v1/pod/uuid", ServiceFixture.address),
        ("//acMetadata/v1/pod/uuid", ServiceFixture.address), ("/", ServiceFixture.address),
        ("nothing", ServiceFixture.address),
    ])
    func whoIsNotThePodIsRefused(path: String, address: String) {
        let answer = ServiceFixture.registered().get(path, from: address)
        #expect(answer.status == 401)
        #expect(answer.text == "the token is not this pod's")
    }

    @Test func peersAreKnownByTheirAddresses() throws {
        let service = ServiceFixture.registered()
        for (text, known) in [
            (ServiceFixture.address, true), ("::ffff:\(ServiceFixture.address)", true), ("172.16.28.9", false),
            ("127.0.0.1", false), ("::1", false),
        ] {
            #expect(service.endpoints.accepts(try #require(IPAddress(text))) == known)
        }
        #expect(service.get(Self.base + "/pod/uuid", from: "::ffff:\(ServiceFixture.address)").status == 200)
    }

    @Test func formsAreChecked() {
        let service = ServiceFixture.registered()
        let path = Self.base + "/pod/hmac/sign"
        #expect(service.post(path, "content=a", type: nil).status == 415)
        #expect(service.post(path, "content=a", type: "application/json").status == 415)
        #expect(service.post(path, "content=a", type: "application/x-www-form-urlencoded; charset=utf-8").status == 200)
        for form in ["", "content=", "other=1", "content=%4", "content=%zz", "a=%"] {
            #expect(service.post(path, form).status == 400)
        }
        let peer = IPAddress(bytes: [172, 16, 28, 2]).unsafelyUnwrapped
        var head = RequestHead(method: "POST", target: path, contentType: "application/x-www-form-urlencoded")
        for (length, status) in [(nil, 411), ("x", 411), ("-1", 411), ("1048577", 413)] as [(String?, Int)] {
            head.contentLength = length
            guard case .answer(let answer) = service.endpoints.judge(head, from: peer) else {
                Issue.record("a length of \(length ?? "none") is taken")
                continue
            }
            #expect(answer.status == status)
        }
        head.contentLength = "1048576"
        #expect(service.endpoints.judge(head, from: peer) == .body(1_048_576))
    }

    @Test func formsAreDecodedOnce() throws {
        let form = try #require(FormDecoder(Array("a=1+2%2B3&b=%2525&a=second&empty=&flag".utf8)))
        #expect(form.text("a") == "1 2+3")
        #expect(form.text("b") == "%25")
        #expect(form.text("empty") == "")
        #expect(form.text("flag") == "")
        #expect(form.text("none") == nil)
        let bytes = try #require(FormDecoder(Array("a=%ff%00".utf8)))
        #expect(bytes.first("a") == [0xff, 0])
        #expect(bytes.text("a") == nil)
    }
}
