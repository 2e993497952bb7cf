// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// What is registered, in a directory that outlives the service and not the host's boot: a file `UUID.pod` for each pod.
///
/// A file is a line of JSON, and then the manifests of the pod and of its images, one behind the other.
package struct RegistryFiles: Sendable {
    let directory: FilePath

    /// - Parameter directory: it must be there.
    package init(_ directory: FilePath) { self.directory = directory }

    private static let suffix = ".pod"
    private static let version = 1
    /// A pod's manifests and its line.
    private static let limit = 160 << 20

    func write(_ pod: RegisteredPod) throws {
        let images = pod.images.sorted { $0.key < $1.key }
        let head: JSONValue = [
            "version": JSONValue(RegistryFiles.version), "token": .string(URLText.hex(pod.tokenDigest)),
            "addresses": .array(pod.addresses.map { .string($0.description) }),
            "manifest": JSONValue(pod.manifest.count),
            "images": .array(
                images.map { ["app": .string($0.key), "manifest": JSONValue($0.value.manifest.count)] }),
        ]
        var bytes = Array((head.encoded() + "\n").utf8)
        bytes.append(contentsOf: pod.manifest)
        for image in images { bytes.append(contentsOf: image.value.manifest) }
        try FileSystem.writeAtomically(bytes, to: path(pod.uuid), mode: 0o600)
    }

    func remove(_ uuid: PodUUID) throws {
        do {
            try FileSystem.remove(path(uuid))
        } catch let error as RuntimeError where error.code == .notFound {
        }
    }

    /// Reads all pods. What cannot be read is reported and left where it is.
    func load(report: (String) -> Void) -> [RegisteredPod] {
        let names: [String]
        do {
            names = try FileSystem.list(directory).sorted()
        } catch {
            report("cannot read what is registered: \(error)")
            return []
        }
        var pods: [RegisteredPod] = []
        for name in names where name.hasSuffix(RegistryFiles.suffix) {
            guard let uuid = try? PodUUID(parsing: String(name.dropLast(RegistryFiles.suffix.count))),
                path(uuid).lastComponent?.string == name
            else { continue }
            do {
                pods.append(try RegistryFiles.read(FileSystem.read(path(uuid), limit: RegistryFiles.limit), uuid))
            } catch {
                report("cannot read \(path(uuid)), pod \(uuid) is left out: \(error)")
            }
        }
        return pods
    }

    private func path(_ uuid: PodUUID) -> FilePath { directory.appending("\(uuid)\(RegistryFiles.suffix)") }

    /// Reads a file.
    static func read(_ bytes: [UInt8], _ uuid: PodUUID) throws -> RegisteredPod {
        func malformed(_ reason: String) -> RuntimeError { RuntimeError(.invalidArgument, reason) }
        guard let end = bytes.firstIndex(of: 0x0A) else { throw malformed("it has no first line") }
        let head = try JSONValue(parsing: bytes[..<end])
        guard head["version"]?.int == version else { throw malformed("it is of another version") }
        guard let digest = head["token"]?.string.flatMap(digest),
            let texts = head["addresses"]?.array, let length = head["manifest"]?.int, let list = head["images"]?.array
        else { throw malformed("its first line lacks a field") }
        let addresses = texts.compactMap { $0.string.flatMap { IPAddress($0) } }
        guard addresses.count == texts.count, !addresses.isEmpty else { throw malformed("it has a bad address") }
        var rest = bytes[(end + 1)...]
        func take(_ count: Int) throws -> [UInt8] {
            guard count >= 0, count <= rest.count else { throw malformed("it is cut") }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        var pod = try RegisteredPod(uuid, tokenDigest: digest, addresses: addresses, manifest: take(length))
        for entry in list {
            guard let app = entry["app"]?.string, let count = entry["manifest"]?.int else {
                throw malformed("its first line lacks a field")
            }
            let manifest = try take(count)
            let facts = try ImageManifest(parsing: manifest)
            pod.images[app] = RegisteredPod.Image(manifest: manifest, annotations: facts.annotations)
        }
        guard rest.isEmpty else { throw malformed("it is longer than its first line says") }
        return pod
    }

    /// 32 bytes in hexadecimal digits.
    private static func digest(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        let escaped = stride(from: 0, to: 64, by: 2).map { start in
            "%" + String(decoding: Array(text.utf8)[start..<start + 2], as: UTF8.self)
        }
        return URLText.decode(Array(escaped.joined().utf8))
    }
}
