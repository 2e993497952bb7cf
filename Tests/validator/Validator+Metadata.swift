// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc

/// What the metadata service tells a pod (App Container specification, "App Container Metadata Service").
extension Validator {
    private static let json = "application/json"
    private static let text = "text/plain; charset=us-ascii"

    mutating func metadata() {
        guard let url = getenv("AC_METADATA_URL").map({ String(cString: $0) }), !url.isEmpty else {
            return report("AC_METADATA_URL is not set")
        }
        guard let client = MetadataClient(url) else { return report("AC_METADATA_URL is \(url)") }
        guard let text = body(client.get("/pod/manifest"), "/pod/manifest", Self.json) else { return }
        guard let document = try? JSONValue(parsing: Array(text.utf8)) else {
            return report("/pod/manifest is not JSON")
        }
        let pod: PodManifest
        do {
            pod = try PodManifest(parsing: Array(text.utf8))
        } catch {
            return report("/pod/manifest is no pod manifest: \(error)")
        }
        let uuid = body(client.get("/pod/uuid"), "/pod/uuid", Self.text) ?? ""
        expect((try? PodUUID(parsing: uuid))?.description == uuid, "/pod/uuid is no UUID: \(uuid)")
        // The same list, and the same of null and [].
        let annotations = list(client, "/pod/annotations")
        expect(annotations == document["annotations"], "/pod/annotations are not those of the manifest")
        expect(!pod.apps.isEmpty, "the manifest has no apps")
        for (index, app) in pod.apps.enumerated() {
            checkApp(client, app, id: document["apps"]?[index]?["image"]?["id"]?.string)
        }
        checkIdentity(client, uuid)
    }

    private mutating func checkApp(_ client: MetadataClient, _ app: RuntimeApp, id: String?) {
        let base = "/apps/\(app.name)"
        guard let text = body(client.get("\(base)/image/manifest"), "\(base)/image/manifest", Self.json) else { return }
        let image: ImageManifest
        do {
            image = try ImageManifest(parsing: Array(text.utf8))
        } catch {
            return report("\(base)/image/manifest is no image manifest: \(error)")
        }
        let found = body(client.get("\(base)/image/id"), "\(base)/image/id", Self.text)
        expect(found == id, "\(base)/image/id is \(found ?? "missing"), not \(id ?? "?")")
        // The image's list with the values of the pod in place, and what is new appended.
        var merged = image.annotations.map { ($0.name.string, $0.value) }
        for annotation in app.annotations {
            if let place = merged.firstIndex(where: { $0.0 == annotation.name.string }) {
                merged[place].1 = annotation.value
            } else {
                merged.append((annotation.name.string, annotation.value))
            }
        }
        let expected = JSONValue.array(merged.map { ["name": .string($0.0), "value": .string($0.1)] })
        let annotations = list(client, "\(base)/annotations")
        expect(
            annotations == expected || annotations == .null && merged.isEmpty,
            "\(base)/annotations are \(annotations?.encoded() ?? "missing"), not \(expected.encoded())")
    }

    private mutating func checkIdentity(_ client: MetadataClient, _ uuid: String) {
        let content = "I am \(uuid) + nobody else/&=%"
        func sign() -> String? { client.post("/pod/hmac/sign", [("content", content)])?.body }
        func verify(_ signature: String, _ content: String) -> MetadataClient.Answer? {
            client.post(
                "/pod/hmac/verify", [("content", content), ("uuid", uuid), ("signature", signature)])
        }
        guard let signature = body(client.post("/pod/hmac/sign", [("content", content)]), "/pod/hmac/sign", Self.text)
        else { return }
        // The answer to a verification may be missed, and with it the signature is used up: another one is asked for.
        var answer = verify(signature, content)
        var used = signature
        for _ in 0..<10 where answer == nil {
            used = sign() ?? ""
            answer = verify(used, content)
        }
        expect(answer?.status == 200, "a signature does not hold: \(answer.map { "\($0.status)" } ?? "no answer")")
        expect(answer?.type == Self.text, "the type of a verification is \(answer?.type ?? "missing")")
        if let again = verify(used, content) { expect(again.status == 403, "a signature holds twice") }
        if let other = sign(), let wrong = verify(other, content + "!") {
            expect(wrong.status == 403, "a signature holds for another content")
        }
    }

    private mutating func body(_ answer: MetadataClient.Answer?, _ path: String, _ type: String) -> String? {
        guard let answer else {
            report("\(path) is not answered")
            return nil
        }
        expect(answer.status == 200, "\(path) has the status \(answer.status)")
        expect(answer.type == type, "\(path) has the type \(answer.type), not \(type)")
        return answer.status == 200 ? answer.body : nil
    }

    private mutating func list(_ client: MetadataClient, _ path: String) -> JSONValue? {
        body(client.get(path), path, Self.json).flatMap { try? JSONValue(parsing: Array($0.utf8)) }
    }
}
