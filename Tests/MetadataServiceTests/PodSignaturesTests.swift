// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import MetadataService
import Testing

struct PodSignaturesTests {
    private typealias Fixture = ServiceFixture

    @Test func aSignatureHoldsOnce() {
        let service = Fixture.registered()
        let signature = service.sign("hello+there")
        let first = service.verify(signature, "hello+there")
        #expect(first.status == 200)
        #expect(first.body.isEmpty)
        #expect(first.type.rawValue == "text/plain; charset=us-ascii")
        #expect(service.verify(signature, "hello+there").status == 403)
    }

    /// The same content never has the same signature.
    @Test func signaturesOfOneContentDiffer() {
        let service = Fixture.registered()
        let (one, two) = (service.sign("a"), service.sign("a"))
        #expect(one != two)
        #expect(service.verify(two, "a").status == 200)
        #expect(service.verify(one, "a").status == 200)
    }

    @Test func aSignatureIsOfOnePodAndOneContent() {
        let service = Fixture.registered()
        let signature = service.sign("hello")
        #expect(service.verify(signature, "hello", Fixture.other).status == 403)
        #expect(service.verify(signature, "hallo").status == 403)
        #expect(service.verify(signature, "hello").status == 200)
    }

    @Test func everyByteCounts() throws {
        let uuid = try PodUUID(parsing: Fixture.uuid)
        var signatures = PodSignatures(key: [UInt8](repeating: 7, count: 64))
        let nonce = [UInt8](repeating: 1, count: PodSignatures.nonceLength)
        let signed = signatures.sign([1, 2, 3], for: uuid, now: 5000, nonce: nonce)
        let text = try #require(signed)
        for place in 0..<118 {
            var changed = Array(text.utf8)
            changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let verdict = signatures.verify(
                String(decoding: changed, as: UTF8.self), of: [1, 2, 3], by: uuid, now: 5000)
            #expect(verdict != .good)
        }
        #expect(signatures.verify(text, of: [1, 2, 3], by: uuid, now: 5000) == .good)
    }

    @Test func anotherKeyMakesOthers() throws {
        let uuid = try PodUUID(parsing: Fixture.uuid)
        let nonce = [UInt8](repeating: 1, count: PodSignatures.nonceLength)
        var one = PodSignatures(key: [UInt8](repeating: 7, count: 64))
        var two = PodSignatures(key: [UInt8](repeating: 8, count: 64))
        let signed = one.sign([1], for: uuid, now: 0, nonce: nonce)
        let text = try #require(signed)
        #expect(two.verify(text, of: [1], by: uuid, now: 0) == .refused)
    }

    @Test func aSignatureHoldsForTenMinutes() {
        let service = Fixture.registered()
        let (one, two) = (service.sign("a"), service.sign("b"))
        service.time.advance(PodSignatures.life - 1)
        #expect(service.verify(one, "a").status == 200)
        service.time.advance(1)
        #expect(service.verify(two, "b").status == 403)
        #expect(service.verify(one, "a").status == 403)
    }

    @Test func aPodSignsSoOftenAndNoMoreForAWhile() {
        let service = Fixture.registered()
        let path = Fixture.base + "/pod/hmac/sign"
        for _ in 0..<PodSignatures.limit { _ = service.sign("a") }
        #expect(service.post(path, "content=a").status == 429)
        let other = "/\(Fixture.otherToken)/acMetadata/v1"
        #expect(!service.sign("a", as: other, from: Fixture.otherAddress).isEmpty)
        service.time.advance(PodSignatures.life)
        #expect(service.post(path, "content=a").status == 200)
    }

    @Test(arguments: [
        "", "AAAA", "####", String(repeating: "A", count: 120), String(repeating: "A", count: 118) + "%3D",
    ])
    func whatIsNoSignatureIsMalformed(text: String) {
        let service = Fixture.registered()
        let answer = service.post(
            "\(Fixture.base)/pod/hmac/verify", "content=a&uuid=\(Fixture.uuid)&signature=\(text)")
        #expect(answer.status == 400)
    }

    @Test func theFormOfAVerificationIsChecked() {
        let service = Fixture.registered()
        let path = Fixture.base + "/pod/hmac/verify"
        #expect(service.post(path, "uuid=\(Fixture.uuid)&signature=AAAA").status == 400)
        #expect(service.post(path, "content=a&uuid=x&signature=AAAA").status == 400)
        #expect(service.post(path, "content=a&signature=AAAA").status == 400)
        let signature = service.sign("a")
        let wrong = service.post(
            "/\(Fixture.otherToken)/acMetadata/v1/pod/hmac/verify",
            "content=a&uuid=\(Fixture.uuid)&signature=\(signature)", from: Fixture.address)
        #expect(wrong.status == 401)
    }
}
