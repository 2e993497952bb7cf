// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import FoundationEssentials

/// Signatures by which pods prove to one another who they are.
///
/// A signature is good once, and for ten minutes. Its 88 bytes are when it was made (milliseconds of this service's life, big
/// endian), a nonce, and HMAC-SHA512 over the pod's UUID, both of them, and the content. The key lives as long as the service.
package struct PodSignatures {
    /// What a signature is found to be.
    package enum Verdict: Equatable { case good, refused, malformed }

    /// How long a signature may be verified, in milliseconds.
    package static let life: UInt64 = 10 * 60 * 1000
    /// How many a pod may make in that time.
    package static let limit = 4096
    /// Bytes.
    package static let nonceLength = 16
    private static let macLength = 64

    private let key: SymmetricKey
    /// When each pod has signed, the earliest first.
    private var made: [PodUUID: ArraySlice<UInt64>] = [:]
    /// The nonces of accepted signatures, and when they were accepted, the earliest first.
    private var used: Set<[UInt8]> = []
    private var order: ArraySlice<(nonce: [UInt8], time: UInt64)> = []

    /// - Parameter key: 64 random bytes.
    package init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    /// Signs a content for a pod.
    ///
    /// - Parameters:
    ///   - now: milliseconds since the service has started.
    ///   - nonce: 16 random bytes.
    /// - Returns: base64; nil when the pod has signed too often.
    package mutating func sign(_ content: [UInt8], for uuid: PodUUID, now: UInt64, nonce: [UInt8]) -> String? {
        forget(now: now)
        guard made[uuid]?.count ?? 0 < PodSignatures.limit else { return nil }
        made[uuid, default: []].append(now)
        let head = PodSignatures.bytes(now) + nonce
        let mac = HMAC<SHA512>.authenticationCode(for: uuid.bytes + head + content, using: key)
        return Data(head + Array(mac)).base64EncodedString()
    }

    /// Judges a signature, which is used up when it is good.
    package mutating func verify(_ signature: String, of content: [UInt8], by uuid: PodUUID, now: UInt64) -> Verdict {
        forget(now: now)
        let headLength = 8 + PodSignatures.nonceLength
        guard signature.utf8.count == 120, let data = Data(base64Encoded: signature),
            data.count == headLength + PodSignatures.macLength, data.base64EncodedString() == signature
        else { return .malformed }
        let bytes = Array(data)
        let head = Array(bytes[..<headLength])
        guard
            HMAC<SHA512>.isValidAuthenticationCode(
                Array(bytes[headLength...]), authenticating: uuid.bytes + head + content, using: key)
        else { return .refused }
        let stamp = head[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let nonce = Array(head[8...])
        guard stamp <= now, now - stamp < PodSignatures.life, used.insert(nonce).inserted else { return .refused }
        order.append((nonce, now))
        return .good
    }

    /// Forgets what is too old to matter.
    private mutating func forget(now: UInt64) {
        while let first = order.first, now - first.time >= PodSignatures.life {
            used.remove(first.nonce)
            order.removeFirst()
        }
        for (uuid, times) in made {
            let rest = times.drop { now - $0 >= PodSignatures.life }
            if rest.count < times.count { made[uuid] = rest.isEmpty ? nil : rest }
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }
}
