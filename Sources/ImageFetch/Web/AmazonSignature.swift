// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The signature that Amazon's services want on requests (`AWS4-HMAC-SHA256`), for requests without a body.
package struct AmazonSignature: Sendable {
    private let accessKeyID: String
    private let secretAccessKey: String
    private let region: String
    private let service: String

    /// - Parameter region: nil to read it off the host name.
    package init(accessKeyID: String, secretAccessKey: String, region: String?, host: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        let (service, found) = AmazonSignature.place(host)
        self.service = service
        self.region = region ?? found
    }

    /// The fields to send, without `Host`.
    ///
    /// - Parameter time: as in `20130524T000000Z`.
    package func fields(method: String, _ address: WebAddress, time: String) -> [(name: String, value: String)] {
        let body = AmazonSignature.hash("")
        let signed = [("host", address.authority), ("x-amz-content-sha256", body), ("x-amz-date", time)]
        let names = signed.map(\.0).joined(separator: ";")
        let request = [
            method, AmazonSignature.path(address.path), AmazonSignature.query(address.query),
            signed.map { "\($0.0):\($0.1)\n" }.joined(), names, body,
        ].joined(separator: "\n")
        let day = String(time.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", time, scope, AmazonSignature.hash(request)].joined(separator: "\n")
        var key = SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        let signature = AmazonSignature.hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
        return [
            ("X-Amz-Date", time), ("X-Amz-Content-Sha256", body),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope),SignedHeaders=\(names),Signature=\(signature)"
            ),
        ]
    }

    /// Service and region of a host such as `bucket.s3.eu-west-1.amazonaws.com` or `s3-eu-west-1.amazonaws.com`.
    private static func place(_ host: String) -> (service: String, region: String) {
        let standard = ("s3", "us-east-1")
        var labels = host.split(separator: ".").map(String.init)
        guard let domain = labels.firstIndex(of: "amazonaws") else { return standard }
        labels = Array(labels[..<domain])
        guard let place = labels.lastIndex(where: { $0 == "s3" || $0.hasPrefix("s3-") }) else {
            // SERVICE.REGION.amazonaws.com
            guard labels.count >= 2 else { return (labels.last ?? standard.0, standard.1) }
            return (labels[labels.count - 2], labels[labels.count - 1])
        }
        if let region = labels[(place + 1)...].last { return ("s3", region) }
        let region = String(labels[place].dropFirst("s3-".count))
        return ("s3", region.isEmpty || region == "external-1" ? standard.1 : region)
    }

    private static func path(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { FormEncoding.percentEncoded(FormEncoding.decoded($0, blank: false) ?? String($0)) }
            .joined(separator: "/")
    }

    private static func query(_ query: String) -> String {
        query.split(separator: "&").map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { FormEncoding.percentEncoded(FormEncoding.decoded($0) ?? String($0)) }
            return "\(halves[0])=\(halves.count > 1 ? halves[1] : "")"
        }
        .sorted().joined(separator: "&")
    }

    private static func hash(_ text: String) -> String { hex(SHA256.hash(data: Array(text.utf8))) }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
