// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where an image comes from, as a `cimd:` URI.
///
/// Two are equal when they say the same, however they are written.
package enum DistributionPoint: Sendable {
    /// Found by discovery: `cimd:appc:v=0:NAME?LABEL=VALUE&…`.
    case appc(ImageName)
    /// An archive at a URL (`file`, `http`, `https`): `cimd:aci-archive:v=0:URL`, the URL escaped.
    case archive(url: String)
    /// From a registry: `cimd:docker:v=0:[HOST[:PORT]/]NAME[:TAG|@DIGEST]`.
    case docker(String)
    /// One image of an OCI layout at a URL: `cimd:oci-image-layout:v=0:URL?ref=REFERENCE`, the URL escaped.
    case layout(url: String, reference: String?)

    /// What a reference means; nil for an ID, which is no place. Paths are taken from `directory` on.
    package init?(_ reference: ImageReference, in directory: FilePath = "/") throws {
        switch reference {
        case .hash: return nil
        case .file(let path): self = .archive(url: DistributionPoint.url(of: path, in: directory))
        case .url(let url): self = .archive(url: url)
        case .docker(let name): self = .docker(name)
        case .layout(let path, let reference):
            self = .layout(url: DistributionPoint.url(of: path, in: directory), reference: reference)
        case .name(let text):
            do throws(ScalarError) {
                self = .appc(try ImageName(parsing: text))
            } catch {
                throw RuntimeError(.invalidArgument, "\(error)")
            }
        }
    }

    /// Reads a URI.
    package init(parsing text: String) throws(ScalarError) {
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "cimd" else {
            throw ScalarError(text, "is not a distribution point: expected cimd:TYPE:v=VERSION:DATA")
        }
        guard parts[2].hasPrefix("v="), let version = UInt32(parts[2].dropFirst(2)) else {
            throw ScalarError(text, "is not a distribution point: \(ScalarError.quoted(parts[2])) is not v=VERSION")
        }
        guard version == 0 else {
            throw ScalarError(text, "has version \(version); only 0 is known")
        }
        let (data, query) = DistributionPoint.halves(parts[3])
        guard !data.isEmpty else { throw ScalarError(text, "says nothing after its version") }
        switch parts[1] {
        case "appc": self = .appc(try DistributionPoint.name(data, query, text))
        case "aci-archive":
            self = .archive(url: try DistributionPoint.decodedURL(data, text))
        case "docker":
            guard query == nil else { throw ScalarError(text, "has a query, which this type does not have") }
            self = .docker(data)
        case "oci-image-layout":
            let pairs = try DistributionPoint.pairs(query, text)
            guard pairs.allSatisfy({ $0.0 == "ref" }), pairs.count <= 1 else {
                throw ScalarError(text, "has other parameters than one ref")
            }
            self = .layout(url: try DistributionPoint.decodedURL(data, text), reference: pairs.first?.1)
        default:
            throw ScalarError(text, "has the unknown type \(ScalarError.quoted(parts[1]))")
        }
    }

    /// The URI in the form that equal points share.
    package var canonical: String {
        switch self {
        case .appc(let name):
            let labels = Array(DistributionPoint.inOrder(name.labels)).map { label in
                "\(FormEncoding.encoded(label.name.string))=\(FormEncoding.encoded(label.value))"
            }
            return "cimd:appc:v=0:\(name.name)" + (labels.isEmpty ? "" : "?" + labels.joined(separator: "&"))
        case .archive(let url): return "cimd:aci-archive:v=0:\(FormEncoding.encoded(url))"
        case .docker(let name):
            // What is no reference equals itself only.
            return "cimd:docker:v=0:" + ((try? RegistryReference(parsing: name))?.description ?? name)
        case .layout(let url, let reference):
            let query = reference.map { "?ref=\(FormEncoding.encoded($0))" } ?? ""
            return "cimd:oci-image-layout:v=0:\(FormEncoding.encoded(url))\(query)"
        }
    }

    // MARK: - Parts

    private static func url(of path: FilePath, in directory: FilePath) -> String {
        "file://" + (path.isAbsolute ? path : directory.pushing(path)).lexicallyNormalized().string
    }

    private static func halves(_ text: String) -> (String, String?) {
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (halves[0], halves.count > 1 ? halves[1] : nil)
    }

    private static func pairs(_ query: String?, _ text: String) throws(ScalarError) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for pair in (query ?? "").split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = FormEncoding.decoded(halves[0]),
                let value = FormEncoding.decoded(halves.count > 1 ? halves[1] : "")
            else { throw ScalarError(text, "is not a distribution point: its query is not escaped rightly") }
            pairs.append((key, value))
        }
        return pairs
    }

    private static func decodedURL(_ data: String, _ text: String) throws(ScalarError) -> String {
        guard let url = FormEncoding.decoded(data[...]),
            ["file://", "http://", "https://"].contains(where: url.hasPrefix)
        else { throw ScalarError(text, "is not a distribution point: expected an escaped URL of a file or web server") }
        return url
    }

    private static func name(_ data: String, _ query: String?, _ text: String) throws(ScalarError) -> ImageName {
        var labels = Labels()
        for (key, value) in try pairs(query, text) {
            let name = try ACIdentifier(parsing: key)
            guard name != "name", labels[key] == nil else {
                throw ScalarError(text, "is not a distribution point: it says \(ScalarError.quoted(key)) twice")
            }
            labels.set(name, value)
        }
        return ImageName(name: try ACIdentifier(parsing: data), labels: labels)
    }

    /// `version`, `os`, `arch`, then the others by name.
    private static func inOrder(_ labels: Labels) -> [Label] {
        let first = ["version", "os", "arch"]
        let rest = labels.filter { !first.contains($0.name.string) }.sorted { $0.name.string < $1.name.string }
        return first.compactMap { key in labels.first { $0.name.string == key } } + rest
    }
}

extension DistributionPoint: Hashable, CustomStringConvertible {
    package static func == (left: DistributionPoint, right: DistributionPoint) -> Bool {
        left.canonical == right.canonical
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(canonical) }

    /// The URI; a registry's image as it was named.
    package var description: String {
        if case .docker(let name) = self { return "cimd:docker:v=0:\(name)" }
        return canonical
    }
}
