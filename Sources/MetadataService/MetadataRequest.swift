// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// What a pod asks (App Container specification, "Metadata service").
enum MetadataRequest: Equatable {
    case podAnnotations
    case podAnnotation(String)
    case podManifest
    case podUUID
    case appAnnotations(String)
    case appAnnotation(String, name: String)
    case imageManifest(String)
    case imageID(String)
    case sign
    case verify

    /// How large a form may be, in bytes.
    static let formLimit = 1 << 20

    /// The token that a path begins with; empty when it has none.
    static func token(_ head: RequestHead) -> String {
        let parts = head.path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count > 1 && parts[0].isEmpty ? String(parts[1]) : ""
    }

    /// Reads method and path; what the path names may not be there.
    init(_ head: RequestHead) throws(Refusal) {
        let parts = head.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 4, parts[0].isEmpty, parts[2] == "acMetadata", parts[3] == "v1" else {
            throw Refusal(404, "there is nothing at this path")
        }
        let request = try MetadataRequest(path: Array(parts[4...]))
        let method = request.isForm ? "POST" : "GET"
        guard head.method == method else {
            throw Refusal(405, "this path is for \(method) only", allow: method)
        }
        self = request
    }

    /// Reads the path behind `/TOKEN/acMetadata/v1/`.
    private init(path: [String]) throws(Refusal) {
        switch (path[0], path.count) {
        case ("pod", 2) where path[1] == "annotations": self = .podAnnotations
        case ("pod", 2) where path[1] == "manifest": self = .podManifest
        case ("pod", 2) where path[1] == "uuid": self = .podUUID
        case ("pod", 3) where path[1] == "hmac" && path[2] == "sign": self = .sign
        case ("pod", 3) where path[1] == "hmac" && path[2] == "verify": self = .verify
        case ("pod", 3...) where path[1] == "annotations":
            self = .podAnnotation(try MetadataRequest.annotationName(path[2...]))
        case ("apps", 3) where path[2] == "annotations":
            self = .appAnnotations(try MetadataRequest.appName(path[1]))
        case ("apps", 4...) where path[2] == "annotations":
            self = .appAnnotation(
                try MetadataRequest.appName(path[1]), name: try MetadataRequest.annotationName(path[3...]))
        case ("apps", 4) where path[2] == "image" && path[3] == "manifest":
            self = .imageManifest(try MetadataRequest.appName(path[1]))
        case ("apps", 4) where path[2] == "image" && path[3] == "id":
            self = .imageID(try MetadataRequest.appName(path[1]))
        default: throw Refusal(404, "there is nothing at this path")
        }
    }

    /// Whether it comes as a form.
    var isForm: Bool { self == .sign || self == .verify }

    private static func annotationName(_ parts: ArraySlice<String>) throws(Refusal) -> String {
        guard let name = URLText.decode(parts.joined(separator: "/")), (try? ACIdentifier(parsing: name)) != nil else {
            throw Refusal(400, "the name of the annotation is not an AC identifier")
        }
        return name
    }

    private static func appName(_ part: String) throws(Refusal) -> String {
        guard let name = URLText.decode(part) else { throw Refusal(404, "the pod has no such app") }
        return name
    }

    /// Checks that a body is a form that is short enough.
    static func checkForm(_ head: RequestHead) throws(Refusal) -> Int {
        let length = try head.bodyLength(limit: formLimit)
        let type = (head.contentType ?? "").prefix { $0 != ";" }.lowercased()
        guard type.split(separator: " ") == ["application/x-www-form-urlencoded"] else {
            throw Refusal(415, "the body must be a form: application/x-www-form-urlencoded")
        }
        return length
    }
}
