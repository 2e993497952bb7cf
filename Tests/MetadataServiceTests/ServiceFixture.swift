// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import MetadataService
import Synchronization
import SystemPackage
import Testing

/// What the tests register, and a service of which they turn the clock.
struct ServiceFixture {
    static let uuid = "2c3f4b1e-8d1a-4b9e-9a57-0f0e6f2f9d11"
    static let other = "7a0d9b7e-1111-4222-8333-444455556666"
    static let token = "00112233445566778899aabbccddeeff"
    static let otherToken = "ffeeddccbbaa99887766554433221100"
    static let address = "172.16.28.2"
    static let otherAddress = "172.16.28.3"
    static let imageID = "sha512-" + String(repeating: "a1", count: 64)
    static let base = "/\(token)/acMetadata/v1"

    /// A pod with the apps `web` and `log`. Its text has blanks and a field that nobody knows, which must be kept.
    static func manifest(annotations: String = "null") -> String {
        """
        {"acKind": "PodManifest", "acVersion": "0.8.11", "x-unknown": 1,
         "apps": [
          {"name": "web", "image": {"id": "\(imageID)"},
           "annotations": [{"name": "color", "value": "blue"}, {"name": "example.com/new", "value": "1"}]},
          {"name": "log", "image": {"id": "\(imageID)"}}],
         "annotations": \(annotations)}
        """
    }

    static let image = """
        {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "example.com/web",
         "annotations": [{"name": "color", "value": "red"}, {"name": "size", "value": "9"}]}
        """

    static let plainImage = #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/log"}"#

    /// Milliseconds.
    final class Time: Sendable {
        private let value = Mutex<UInt64>(1000)
        var now: UInt64 { value.withLock { $0 } }
        func advance(_ milliseconds: UInt64) { value.withLock { $0 += milliseconds } }
    }

    let time = Time()
    let endpoints: MetadataEndpoints

    init(files: RegistryFiles? = nil, report: @escaping @Sendable (String) -> Void = { _ in }) {
        let time = time
        endpoints = MetadataEndpoints(port: 18112, files: files, clock: { time.now }, report: report)
    }

    /// A service that knows the pod with both of its images, and another one.
    static func registered(annotations: String = "null", files: RegistryFiles? = nil) -> ServiceFixture {
        let service = ServiceFixture(files: files)
        #expect(service.put(annotations: annotations).status == 200)
        #expect(service.register("PUT", "/pods/\(uuid)/web", image).status == 200)
        #expect(service.register("PUT", "/pods/\(uuid)/log", plainImage).status == 200)
        #expect(service.put(other, token: otherToken, address: otherAddress).status == 200)
        return service
    }

    func put(
        _ uuid: String = uuid, token: String = token, address: String = address, annotations: String = "null"
    ) -> MetadataAnswer {
        register(
            "PUT", "/pods/\(uuid)?token=\(token)&address=\(address)", ServiceFixture.manifest(annotations: annotations))
    }

    func register(_ method: String, _ target: String, _ body: String = "") -> MetadataAnswer {
        let head = RequestHead(method: method, target: target, contentLength: "\(body.utf8.count)")
        switch endpoints.judge(registration: head) {
        case .answer(let answer): return answer
        case .body: return endpoints.register(head, body: Array(body.utf8))
        }
    }

    func get(_ path: String, from address: String = address, method: String = "GET") -> MetadataAnswer {
        ask(RequestHead(method: method, target: path), from: address, "")
    }

    func post(
        _ path: String, _ form: String, from address: String = address,
        type: String? = "application/x-www-form-urlencoded"
    ) -> MetadataAnswer {
        let head = RequestHead(
            method: "POST", target: path, contentType: type, contentLength: "\(form.utf8.count)")
        return ask(head, from: address, form)
    }

    private func ask(_ head: RequestHead, from address: String, _ body: String) -> MetadataAnswer {
        guard let peer = IPAddress(address) else { preconditionFailure("\(address) is an address") }
        switch endpoints.judge(head, from: peer) {
        case .answer(let answer): return answer
        case .body: return endpoints.answer(head, from: peer, body: Array(body.utf8))
        }
    }

    func sign(_ content: String, as base: String = base, from address: String = address) -> String {
        let answer = post("\(base)/pod/hmac/sign", "content=\(content)", from: address)
        #expect(answer.status == 200)
        return answer.text
    }

    func verify(_ signature: String, _ content: String, _ uuid: String = uuid) -> MetadataAnswer {
        let escaped = signature.map { $0 == "+" ? "%2B" : $0 == "/" ? "%2F" : $0 == "=" ? "%3D" : "\($0)" }.joined()
        return post(
            "/\(ServiceFixture.otherToken)/acMetadata/v1/pod/hmac/verify",
            "content=\(content)&uuid=\(uuid)&signature=\(escaped)", from: ServiceFixture.otherAddress)
    }
}

extension MetadataAnswer {
    var text: String { String(decoding: body, as: UTF8.self) }
}
