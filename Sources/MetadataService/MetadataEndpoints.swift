// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import Synchronization

/// All that the service knows, and its answers. It neither reads from a socket nor writes to one.
package final class MetadataEndpoints: Sendable {
    private struct State {
        var registry = Registry()
        var signatures: PodSignatures
    }

    private let state: Mutex<State>
    private let files: RegistryFiles?
    /// Where pods find the service, for those who register them.
    private let port: Int
    private let clock: @Sendable () -> UInt64
    private let random: @Sendable (Int) -> [UInt8]
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - files: where what is registered is kept, nil for memory only.
    ///   - clock: milliseconds since some moment before, never less than they were.
    ///   - random: that many random bytes.
    ///   - report: gets what went wrong without a request failing by it.
    package init(
        port: Int, files: RegistryFiles?, clock: @escaping @Sendable () -> UInt64 = MetadataEndpoints.uptime(),
        random: @escaping @Sendable (Int) -> [UInt8] = MetadataEndpoints.randomBytes,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.port = port
        self.files = files
        self.clock = clock
        self.random = random
        self.report = report
        var registry = Registry()
        for pod in files?.load(report: report) ?? [] {
            do throws(Refusal) {
                _ = try registry.put(pod)
            } catch {
                report("pod \(pod.uuid) is left out: \(String(decoding: error.answer.body, as: UTF8.self))")
            }
        }
        state = Mutex(State(registry: registry, signatures: PodSignatures(key: random(64))))
    }

    /// How many pods are registered.
    package var count: Int { state.withLock { $0.registry.count } }

    /// Whether a peer may be listened to at all.
    package func accepts(_ peer: IPAddress) -> Bool { state.withLock { $0.registry.knows(peer) } }

    // MARK: - Pods

    /// Judges the head of a pod's request.
    package func judge(_ head: RequestHead, from peer: IPAddress) -> HeadVerdict {
        do throws(Refusal) {
            let (pod, request) = try identify(head, peer)
            guard request.isForm else { return .answer(try answer(request, pod)) }
            return .body(try MetadataRequest.checkForm(head))
        } catch {
            return .answer(error.answer)
        }
    }

    /// Answers a pod's request that has a body. Who the pod is is asked again: it may have gone meanwhile.
    package func answer(_ head: RequestHead, from peer: IPAddress, body: [UInt8]) -> MetadataAnswer {
        do throws(Refusal) {
            let (pod, request) = try identify(head, peer)
            guard request.isForm else { return try answer(request, pod) }
            guard let form = FormDecoder(body) else { throw Refusal(400, "the form cannot be decoded") }
            guard let content = form.first("content"), !content.isEmpty else {
                throw Refusal(400, "the form has no content")
            }
            return request == .sign ? try sign(content, pod) : try verify(form, content)
        } catch {
            return error.answer
        }
    }

    private func identify(
        _ head: RequestHead, _ peer: IPAddress
    ) throws(Refusal) -> (RegisteredPod, MetadataRequest) {
        let token = MetadataRequest.token(head)
        guard let pod = state.withLock({ $0.registry.pod(token: token, address: peer) }) else {
            throw Refusal(401, "the token is not this pod's")
        }
        return (pod, try MetadataRequest(head))
    }

    private func answer(_ request: MetadataRequest, _ pod: RegisteredPod) throws(Refusal) -> MetadataAnswer {
        switch request {
        case .podAnnotations: return .json(Array(pod.facts.annotationsJSON.encoded().utf8))
        case .podAnnotation(let name): return try value(name, in: pod.facts.annotations)
        case .podManifest: return .json(pod.manifest)
        case .podUUID: return .text(pod.uuid.description)
        case .appAnnotations(let app):
            let list = try annotations(pod, app).map { annotation -> JSONValue in
                ["name": .string(annotation.name.string), "value": .string(annotation.value)]
            }
            return .json(Array(JSONValue.array(list).encoded().utf8))
        case .appAnnotation(let app, let name): return try value(name, in: annotations(pod, app))
        case .imageManifest(let app):
            guard let image = pod.images[app] else { throw Refusal(404, "the pod has no such app") }
            return .json(image.manifest)
        case .imageID(let app):
            guard pod.images[app] != nil, let id = pod.imageIDs[app] else {
                throw Refusal(404, "the pod has no such app")
            }
            return .text(id)
        case .sign, .verify: throw Refusal(405, "this path is for POST only", allow: "POST")
        }
    }

    private func annotations(_ pod: RegisteredPod, _ app: String) throws(Refusal) -> Annotations {
        guard let annotations = pod.annotations(ofApp: app) else { throw Refusal(404, "the pod has no such app") }
        return annotations
    }

    private func value(_ name: String, in annotations: Annotations) throws(Refusal) -> MetadataAnswer {
        guard let value = annotations[name] else { throw Refusal(404, "there is no such annotation") }
        return .text(value)
    }

    private func sign(_ content: [UInt8], _ pod: RegisteredPod) throws(Refusal) -> MetadataAnswer {
        let (now, nonce) = (clock(), random(PodSignatures.nonceLength))
        guard let signature = state.withLock({ $0.signatures.sign(content, for: pod.uuid, now: now, nonce: nonce) })
        else { throw Refusal(429, "the pod has signed \(PodSignatures.limit) times in 10 minutes, which is the limit") }
        return .text(signature)
    }

    private func verify(_ form: FormDecoder, _ content: [UInt8]) throws(Refusal) -> MetadataAnswer {
        guard let text = form.text("uuid"), let uuid = try? PodUUID(parsing: text) else {
            throw Refusal(400, "the form's uuid is not a UUID")
        }
        let now = clock()
        let verdict = state.withLock { state -> PodSignatures.Verdict in
            let verdict = state.signatures.verify(form.text("signature") ?? "", of: content, by: uuid, now: now)
            return verdict == .good && !state.registry.contains(uuid) ? .refused : verdict
        }
        switch verdict {
        case .good: return .text("")
        case .refused: throw Refusal(403, "the signature does not hold")
        case .malformed: throw Refusal(400, "the form's signature is not base64 of 88 bytes")
        }
    }

    // MARK: - Registration

    /// Judges the head of a registration.
    package func judge(registration head: RequestHead) -> HeadVerdict {
        do throws(Refusal) {
            let request = try RegistrationRequest(head)
            guard !request.hasBody else {
                return .body(try head.bodyLength(limit: RegistrationRequest.manifestLimit))
            }
            return .answer(register(head, body: []))
        } catch {
            return .answer(error.answer)
        }
    }

    /// Registers a pod or an image, or removes a pod.
    package func register(_ head: RequestHead, body: [UInt8]) -> MetadataAnswer {
        do throws(Refusal) {
            switch try RegistrationRequest(head) {
            case .pod(let uuid, let token, let addresses):
                let pod: RegisteredPod
                do throws(ManifestError) {
                    pod = try RegisteredPod(
                        uuid, tokenDigest: RegisteredPod.digest(ofToken: token), addresses: addresses, manifest: body)
                } catch {
                    throw Refusal(400, "the body is not a pod manifest: \(error)")
                }
                try change { registry throws(Refusal) in try registry.put(pod) }
                return .json(Array("{\"port\":\(port)}".utf8))
            case .image(let uuid, let app):
                try change { registry throws(Refusal) in try registry.putImage(uuid, app: app, manifest: body) }
                return .text("")
            case .remove(let uuid):
                let (known, problem) = state.withLock { state -> (Bool, String?) in
                    (state.registry.remove(uuid), failure { try files?.remove(uuid) })
                }
                if let problem { throw Refusal(500, "cannot remove what is kept of pod \(uuid): \(problem)") }
                guard known else { throw Refusal(404, "pod \(uuid) is not registered") }
                return .text("")
            }
        } catch {
            return error.answer
        }
    }

    /// Changes a pod in memory and in its file; when the file cannot be written, it stays as it was.
    private func change(_ change: (inout Registry) throws(Refusal) -> RegisteredPod) throws(Refusal) {
        let refusal = state.withLock { state -> Refusal? in
            var registry = state.registry
            do throws(Refusal) {
                let pod = try change(&registry)
                if let failure = failure({ try files?.write(pod) }) {
                    return Refusal(500, "cannot keep what is registered of pod \(pod.uuid): \(failure)")
                }
            } catch {
                return error
            }
            state.registry = registry
            return nil
        }
        if let refusal { throw refusal }
    }

    private func failure(_ work: () throws -> Void) -> String? {
        do {
            try work()
            return nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: - The world

    /// Milliseconds since the call.
    package static func uptime() -> @Sendable () -> UInt64 {
        let start = Clock.microseconds
        return { (Clock.microseconds - start) / 1000 }
    }

    /// From getrandom(2), through the standard library.
    package static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
